import { expect, test } from "vitest";
import { literal, notSlash, wildcardMatcher, type WildcardToken } from "../../../core/wildcard.ts";

const letters = (text: string): WildcardToken[] => Array.from(text, literal);

test.each<[string, readonly WildcardToken[], string, boolean]>([
  ["letters", letters("ab"), "ab", true],
  ["letters", letters("ab"), "abc", false],
  ["name", ["name", ...letters(".ts")], "a.ts", true],
  ["name", ["name", ...letters(".ts")], "a/b.ts", false],
  ["name, of nothing", ["name", ...letters("a")], "a", true],
  ["anything", ["anything", ...letters("z")], "a/b/z", true],
  ["directories", ["directories", ...letters("a")], "a", true],
  ["directories", ["directories", ...letters("a")], "x/y/a", true],
  ["directories", ["directories", ...letters("a")], "xa", false],
  ["one that is no slash", [notSlash], "/", false],
])("%s: %j of %j", (_, tokens, text, matches) => {
  expect(wildcardMatcher(tokens)(text)).toBe(matches);
});

test.each<[string, readonly WildcardToken[]]>([
  ["names", ["name", ...letters("a")]],
  ["anything", ["anything", ...letters("a")]],
  ["directories", ["directories", "name", ...letters("a")]],
])("steps grow with the product of both lengths: %s", (_, part) => {
  for (const size of [5, 10, 20, 40, 80]) {
    const tokens = [...Array.from({ length: size }, () => part).flat(), ...letters("b")];
    const text = "a/a".repeat(size);
    let steps = 0;
    expect(wildcardMatcher(tokens, () => (steps += 1))(text)).toBe(false);
    // Each token has at most two states: before it, and within its directories.
    expect(steps).toBeLessThanOrEqual(2 * (tokens.length + 1) * text.length);
  }
});
