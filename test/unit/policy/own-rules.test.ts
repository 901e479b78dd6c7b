import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadOwnRules } from "../../../policy/own-rules.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "own-rules-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
const rule = (name: string): string => `{ name: "${name}", level: "advisory", check: () => ["no"] }`;

test("each file has a rule, or a list of them; other files do not count", async () => {
  write("one.ts", `const level: string = "mandatory";\nexport default { name: "one", level, check: () => [] };\n`);
  write("two.js", `export default [${rule("two")}, ${rule("three")}];\n`);
  write("one.test.ts", "throw new Error('a test');\n");
  write("README.md", "rules");
  const { rules, problems } = await loadOwnRules(directory, []);
  expect(rules.map(({ name, level }) => `${name} ${level}`)).toEqual([
    "one mandatory",
    "two advisory",
    "three advisory",
  ]);
  expect(problems).toEqual([]);
});

test("a folder that is not there has none", async () => {
  expect(await loadOwnRules(join(directory, "none"), [])).toEqual({ rules: [], problems: [] });
});

test.each([
  ["nothing to export", "export const rule = 1;\n", /a\.ts: has no default export; export a rule, or a list/],
  [
    "a level that is none",
    `export default { name: "a", level: "strict", check: () => [] };\n`,
    /a\.ts: rule 1: level must be mandatory or advisory/,
  ],
  [
    "a name that is none",
    `export default [${rule("a")}, ${rule("A b")}];\n`,
    /a\.ts: rule 2: name must be lower case letters/,
  ],
  ["no check", `export default { name: "a", level: "advisory" };\n`, /a\.ts: rule 1: check must be a function/],
  ["an error when it is loaded", `throw new Error("boom");\n`, /a\.ts: cannot be loaded: boom/],
  [
    "a name that is taken",
    `export default ${rule("memory-limit")};\n`,
    /a\.ts: there is a rule memory-limit already; rename this one/,
  ],
  ["a text of no language", "export default {{\n", /a\.ts: cannot be loaded: /],
])("a file with %s is one clear error", async (_what, text, problem) => {
  write("a.ts", text);
  const { problems } = await loadOwnRules(directory, ["memory-limit"]);
  expect(problems).toEqual([expect.stringMatching(problem)]);
});
