import { expect, test } from "vitest";
import { z } from "zod";
import { renamedKeyProblems, settingsProblems } from "../../../core/schema-version.ts";

const old = { test: { command: "make test", beside: [] } };

test("a service's file says each key that has another name by now", () => {
  expect(renamedKeyProblems("service", "svc/link/service.yaml", old)).toEqual([
    {
      location: "svc/link/service.yaml: test.beside",
      message: "unknown key; version 2 calls it test.services",
    },
  ]);
});

test("a stack file says them wherever it has settings of services, and nowhere else", () => {
  const settings = { app: old, test: old.test, defaults: old, services: { link: old, user: {}, news: old } };
  expect(renamedKeyProblems("stack", "stacks/Pulumi.dev.yaml", settings)).toEqual(
    ["defaults", "services.link", "services.news"].map((path) => ({
      location: `stacks/Pulumi.dev.yaml: ${path}.test.beside`,
      message: `unknown key; version 2 calls it ${path}.test.services`,
    })),
  );
});

test.each<[what: string, input: unknown]>([
  ["nothing", undefined],
  ["null", null],
  ["a text", "test.beside"],
  ["a list", [{ test: [] }]],
  ["the present name", { test: { services: [] } }],
  ["a text where settings are expected", { test: "beside", services: "link", defaults: null }],
])("%s has none", (_what, input) => {
  expect(renamedKeyProblems("service", "file", input)).toEqual([]);
  expect(renamedKeyProblems("stack", "file", input)).toEqual([]);
});

test("a schema's problems say the present name of a key, and are otherwise what they are", () => {
  const schema = z.strictObject({ test: z.strictObject({ command: z.string("Must be a command") }) });
  const input = { test: { command: 1, beside: [], besides: [] } };
  const { error } = schema.safeParse(input);
  if (error === undefined) throw new Error("no error");
  expect(settingsProblems("service", "service.yaml", error, input)).toEqual([
    { location: "service.yaml: test.command", message: "1: must be a command" },
    { location: "service.yaml: test.beside", message: "unknown key; version 2 calls it test.services" },
    { location: "service.yaml: test.besides", message: "unknown key; correct its spelling or remove it" },
  ]);
});
