import { expect, test } from "vitest";
import { wholePattern } from "../../../circleci/pattern.ts";

test.each<[pattern: string, texts: Record<string, boolean>]>([
  ["main", { main: true, main2: false, amain: false, "": false }],
  ["", { "": true, a: false }],
  ["release-\\d+(\\.\\d+)*", { "release-1": true, "release-1.2.3": true, "release-": false, "release-1.": false }],
  ["feature/.*", { "feature/": true, "feature/a/b": true, feature: false, "feature/a\nb": false }],
  ["feature\\/.+", { "feature/a": true, "feature/": false }],
  ["(main|trunk)", { main: true, trunk: true, maintrunk: false }],
  ["main|release/.*|", { main: true, "release/1": true, "": true, other: false }],
  ["(?:a|b(c|d))?e", { e: true, ae: true, bde: true, be: false }],
  ["(?<kind>fix|feat)-(?P<n>\\w{2,3})", { "fix-ab": true, "feat-abc": true, "feat-a": false, "fix-abcd": false }],
  ["[a-c_-]{2}[^0-9]", { "a-x": true, __x: true, "a-1": false, "d-x": false }],
  ["[]a]+[\\]\\w]", { "]a]": true, ab: true, b: false }],
  ["[[a]b", { "[b": true, ab: true }],
  ["(?i)Dev[A-Z]\\x".replace("\\x", ""), { devx: true, DEVX: true, dev1: false }],
  ["^v\\d+$", { v1: true, v: false }],
  ["a\\b-\\bb", { "a-b": true }],
  ["a\\Bb", { ab: true }],
  ["a+?b*?c??", { aab: true, a: true, abc: true, b: false }],
  ["a{0}b{2,}", { bb: true, bbbb: true, b: false, abb: false }],
  ["a{,3}", { "a{,3}": true, aa: false }],
  ["\\.\\*\\t", { ".*\t": true }],
  ["ä.", { äö: true }],
])("%j means what it says", (pattern, texts) => {
  const matches = wholePattern(pattern);
  expect(Object.fromEntries(Object.keys(texts).map((text) => [text, matches(text)]))).toEqual(texts);
});

/** Numbers that look random, and are the same each time. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

test("what it means is what the engine of the language says, where that has an answer", () => {
  const random = sequence(7);
  const pick = <T>(items: readonly T[]): T => items[random(items.length)] as T;
  const generate = (depth: number): string =>
    Array.from({ length: 1 + random(3) }, () => {
      const atom =
        depth > 0 && random(3) === 0 ? `(${generate(depth - 1)})` : pick(["a", "b", ".", "[ab]", "[^a]", "\\w"]);
      return `${atom}${pick(["", "", "", "*", "+", "?", "{1,2}"])}`;
    }).join(random(4) === 0 ? "|" : "");
  for (let round = 0; round < 2_000; round++) {
    const pattern = generate(2);
    const text = Array.from({ length: random(7) }, () => pick(["a", "b", "c"])).join("");
    const expected = new RegExp(`^(?:${pattern})$`).test(text);
    expect([pattern, text, wholePattern(pattern)(text)]).toEqual([pattern, text, expected]);
  }
});

test.each(["(a+)+b", "(a|aa)+b", "(a*)*b", "(.*a){12}", "(a|b|ab)*c", "((a?){20}){20}b"])(
  "%s takes a number of steps that grows with the text alone",
  (pattern) => {
    const stepsFor = (length: number): number => {
      let steps = 0;
      wholePattern(pattern, () => steps++)("a".repeat(length));
      return steps;
    };
    const [short, long] = [stepsFor(1_000), stepsFor(2_000)];
    expect(long).toBeLessThan(short * 2.1);
    expect(long).toBeLessThan(2_000 * 5_000);
  },
);

test.each([
  ["(a", /has a group without an end/],
  ["a)", /closes a group that it has not opened/],
  ["[a", /has a \[ without an end/],
  ["[z-a]", /has \[z-a\], which is no set of characters/],
  ["*a", /has nothing before \* to repeat/],
  ["a**", /repeats \* again/],
  ["a++", /has \+\+, which is not supported/],
  ["a{3,2}", /has \{3,2\}, which ends before it begins/],
  ["(a{1000}){1000}", /repeats too much/],
  ["(a)\\1", /has \\1, which is not supported/],
  ["(?=a)a", /has \(\?…\), of which only/],
  ["a\\", /ends with a backslash/],
  ["a".repeat(1_001), /has more than 1000 characters/],
])("%j is refused", (pattern, problem) => expect(() => wholePattern(pattern)).toThrow(problem));
