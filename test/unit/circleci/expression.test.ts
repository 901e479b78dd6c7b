import { expect, test } from "vitest";
import { evaluate, expressionsIn } from "../../../circleci/expression.ts";

const values: Readonly<Record<string, string | number | boolean | null>> = {
  branch: "release-7",
  number: 7,
  none: null,
  yes: true,
};

test.each([
  ['branch == "main" or branch starts-with "release"', true],
  ["branch matches /release-\\d/", true],
  ["branch matches /release/", false],
  ["number >= 7 and number < 8", true],
  ["not yes and none", false],
  ["not (yes and none)", true],
  ['none or "fallback"', "fallback"],
  ["yes and 10 or 1", 10],
  ['number == "7"', false],
])("%s is %s", (expression, value) => {
  expect(evaluate("when", expression, (name) => values[name])).toBe(value);
});

test("an expression that cannot be read is refused", () => {
  const read = (expression: string) => () => evaluate("when", expression, (name) => values[name]);
  expect(read("branch ==")).toThrow("is no complete expression");
  expect(read("branch branch")).toThrow("goes on after its end");
  expect(read("branch = 1")).toThrow("is no expression");
  expect(read("gone")).toThrow('there is no value "gone"');
  expect(read("branch > 1")).toThrow("compares numbers only");
});

test.each([
  ['<< "a" >>', [' "a" ']],
  ['<< equal("a >> b", x) >>', [' equal("a >> b", x) ']],
  ['<< "a\\" >> b" >>', [' "a\\" >> b" ']],
  ['<< "a >>', [' "a ']],
  ['"<< a >>" and "<< b >>"', [" a ", " b "]],
  ["<< a\n>>", []],
])("%j has the expressions %j", (text, expressions) => {
  expect(expressionsIn(text)).toEqual(expressions);
});

// Read in every possible way, the shortest of these would take longer than anybody waits.
test.each([50, 500, 5_000])("%i quoted words without an end are read once", (count) => {
  expect(expressionsIn(`<< ${'"a" '.repeat(count)}`)).toEqual([]);
  expect(expressionsIn(`<< ${'"'.repeat(count)}`)).toEqual([]);
  expect(expressionsIn("<<".repeat(count))).toEqual([]);
});
