import { parse } from "yaml";
import { expect, test } from "vitest";
import { parseSettings, parseYaml, writeYaml } from "../../../core/yaml.ts";
import { generatedStrings, lostStrings, nastyStrings } from "../../support/nasty-strings.ts";

const strings = [...nastyStrings, ...lostStrings, ...generatedStrings(1, 2000)];

test.each(["1.1", "1.2"] as const)("strings and keys are what they were to a reader of YAML %s", (version) => {
  const value = { list: strings, keys: Object.fromEntries(strings.map((text, index) => [text, index])) };
  expect(parse(writeYaml(value), { version })).toEqual(value);
});

test.each(["1.1", "1.2"] as const)("what lies in maps and lists is what it was to a reader of YAML %s", (version) => {
  const nested = (depth: number, text: string): unknown =>
    depth === 0 ? text : { [text]: [nested(depth - 1, text), [], {}, [[{ [text]: {} }, depth], []]], more: [[text]] };
  const value = nastyStrings.map((text) => nested(2, text));
  expect(parse(writeYaml(value), { version })).toEqual(value);
});

test("what the deploy repositories hold is written as it stands there", () => {
  const text = "bell\u0007 tab\t nul\u0000 esc\u001b vt\u000b \u0001 a \nb \\n é \u0085 \ud800";
  const value = {
    metadata: { labels: { a: "1" }, empty: {} },
    list: [{ name: "x", args: ["a", [1, 2]] }, [], "y"],
    text,
  };
  expect(writeYaml(value)).toBe(
    [
      "metadata:",
      "  labels:",
      '    a: "1"',
      "  empty: {}",
      "list:",
      '  - name: "x"',
      "    args:",
      '      - "a"',
      "      - - 1",
      "        - 2",
      "  - []",
      '  - "y"',
      'text: "bell\\a tab\\t nul\\0 esc\\e vt\\v \\x01 a\\ \\nb \\\\n é \\u0085 \\ud800"',
      "",
    ].join("\n"),
  );
});

test("what `<<` names is merged, as Pulumi and kubectl do", () => {
  expect(parseYaml("a: &a { x: 1, y: 1 }\nb: { <<: *a, y: 2 }\n")).toEqual({
    value: { a: { x: 1, y: 1 }, b: { x: 1, y: 2 } },
  });
});

test.each([
  ["port: 010", "line 1: 010 is another number to YAML 1.1 than to 1.2; put it in quotes, or leave the zero out"],
  ["a:\n  - 1\n  - -08 # text\n", "line 3: -08 is another number"],
  ["{ zip: 01234, 007: x }", "line 1: 01234 is .*; line 1: 007 is another number"],
])("numbers with zeros before them are refused in settings: %j", (text, problem) => {
  expect(parseSettings(text)).toEqual({ problem: expect.stringMatching(problem) });
});

test.each(["port: 0", "share: 0.5", "zip: '01234'", "date: 2026-01-02", "hex: 0x1F", "text: 01x", "text: |\n  010\n"])(
  "what is no such number is read as ever: %j",
  (text) => {
    expect(parseSettings(text)).toEqual(parseYaml(text));
    expect(parseSettings(text)).toHaveProperty("value");
  },
);

test("what is no data is refused", () => {
  expect(() => writeYaml({ a: () => 1 })).toThrow("a function cannot be written as YAML");
});

test("every string is in quotes, and stays on its line", () => {
  for (const text of strings) expect(writeYaml({ value: text })).toMatch(/^value: ".*"\n$/);
});

test("no character is left that YAML forbids, or takes for the end of a line", () => {
  // Those of https://yaml.org/spec/1.1/#nb-char that count as printable, and no separators.
  expect(writeYaml(strings)).toMatch(
    /^[\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u,
  );
});

test("numbers, booleans and nothing keep their types", () => {
  expect(
    writeYaml({ port: 8080, share: 0.5, on: true, off: false, none: null, list: [1, "1"], map: {}, left: undefined }),
  ).toBe('port: 8080\nshare: 0.5\n"on": true\n"off": false\nnone: null\nlist:\n  - 1\n  - "1"\nmap: {}\n');
});

test("keys that are plainly names stand without quotes", () => {
  const keys = ["apiVersion", "app.kubernetes.io/name", "LINK_URL", "_private", "delivery:app", "Yes1"];
  expect(writeYaml(Object.fromEntries(keys.map((key) => [key, 1])))).toBe(keys.map((key) => `${key}: 1\n`).join(""));
});

test("an object that stands in two places is written twice", () => {
  const shared = { name: "link" };
  expect(writeYaml([shared, shared])).toBe('- name: "link"\n- name: "link"\n');
});
