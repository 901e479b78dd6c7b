import { describe, expect, test } from "vitest";
import { z } from "zod";
import { problemLine, schemaProblems } from "../../../core/problem.ts";

function problemsOf(schema: z.ZodType, input: unknown): string[] {
  const { error } = schema.safeParse(input);
  return error === undefined ? [] : schemaProblems("F", error, input).map(problemLine);
}

describe("where a schema has no words of its own, people read", () => {
  test.each<[string, z.ZodType, unknown, string]>([
    [
      "a word that is none of the known",
      z.enum(["up", "down", "either"]),
      "left",
      '"left": must be up, down or either',
    ],
    ["another than the only one", z.literal("signed"), "yes", '"yes": must be signed'],
    ["a limit", z.number().min(1), 0, "0: must be at least 1"],
    ["a limit that is outside", z.number().positive(), 0, "0: must be above 0"],
    ["the same above", z.number().lt(5), 5, "5: must be below 5"],
    ["another kind", z.boolean(), "yes", '"yes": must be true or false'],
  ])("%s", (_what, schema, value, message) => {
    expect(problemsOf(z.strictObject({ key: schema }), { key: value })).toEqual([`F: key: ${message}`]);
  });
});

describe("of a choice of maps is said", () => {
  const http = z.strictObject({ http: z.strictObject({ path: z.string("Must be a path") }) });
  const command = z.strictObject({ command: z.string("Must be a command") });
  const check = z.strictObject({ check: z.union([command, http], "Must be one of {command} and {http: {path}}") });

  test("which there are, where none of them is meant", () => {
    expect(problemsOf(check, { check: { exec: "make" } })).toEqual([
      'F: check: {"exec":"make"}: must be one of {command} and {http: {path}}',
    ]);
  });

  test("what is wrong in the one that is meant", () => {
    expect(problemsOf(check, { check: { http: { paht: "/" } } })).toEqual([
      "F: check.http.path: missing; must be a path",
      "F: check.http.paht: unknown key; correct its spelling or remove it",
    ]);
    expect(problemsOf(check, { check: { command: 1 } })).toEqual(["F: check.command: 1: must be a command"]);
  });

  test("what is wrong in the only one", () => {
    const release = z.strictObject({
      key: z.union([z.literal("existing"), z.strictObject({})], "Must be existing, or {}"),
    });
    expect(problemsOf(release, { key: { vresion: "1" } })).toEqual([
      "F: key.vresion: unknown key; correct its spelling or remove it",
    ]);
  });
});
