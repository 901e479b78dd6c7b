import { expect, test } from "vitest";
import { environmentFile, expand } from "../../../../cli/init/env-file.ts";

test.each([
  ["A=a#b", "a#b"],
  ["A=a # b", "a"],
  ["A= # b", "# b"],
  ["A=a\t#b", "a\t#b"],
  ['A="a # b" # c', "a # b"],
  ["A='a # b' # c", "a # b"],
  ['A="one\nB=two" # c\n', "one\nB=two"],
  ["A='one\nB=two'\n", "one\nB=two"],
  ["B=x\nA='$B\\n\\''", "$B\\n'"],
  ['B=x\nA="$B\\t\\"\\$B\\x\\\\"', 'x\t"$B\\x\\'],
  ["B=x\nA=$B\\n\\$B", "x\\n\\x"],
  ["\ufeffexport A : yes\r\n", "yes"],
  ['A=a "b"', 'a "b"'],
  ['A="open', '"open'],
  ["B.C=x\nA=${C-none}", "none"],
  ["A=", ""],
])("Compose reads A of a file with %j as %j", (text, value) =>
  expect(environmentFile(text)).toMatchObject({ A: value }),
);

test.each([
  ["${NONE:-${NO:-${SET}}}", "s"],
  ["${EMPTY:-x}${EMPTY-y}${NONE-z}", "xz"],
  ["${EMPTY:+x}${EMPTY+y}${NONE+z}${SET:+${SET}}", "ys"],
  ["${NONE:?no}${SET:?no}", "s"],
  ['{"a": ${NONE:-{"b": {}}}}', '{"a": {"b": {}}}'],
  ["--a=${NONE:-{}} --b=${SET:-{}}", "--a={} --b=s"],
  ["$$SET $${SET} $SET-$NONE", "$SET ${SET} s-"],
  ["$ $1 ${ ${SET ${a.b} ${SET:=x} $", "$ $1 ${ ${SET ${a.b} ${SET:=x} $"],
  ["${constructor:-own}", "own"],
])("%s is %s", (text, expanded) => expect(expand(text, { SET: "s", EMPTY: "" })).toBe(expanded));

test("a value is not filled in again, and variables in one another are, up to a limit", () => {
  expect(expand("${A}", { A: "$B", B: "x" })).toBe("$B");
  const nested = (depth: number): string => `${"${NONE:-".repeat(depth)}x${"}".repeat(depth)}`;
  expect([20, 50_000].map((depth) => expand(nested(depth), {}))).toEqual(["x", ""]);
  expect(expand("${NONE:-".repeat(50_000), {})).toHaveLength(400_000);
});
