import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { textProblems, versionProblems } from "../../../stacks/stack-file.ts";

const file = "stacks/Pulumi.dev.yaml";
const old = { test: { beside: [{ image: "cimg/postgres:17.5" }] } };

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "schema-version-"));
  const services = {
    "svc/user": "port: 7070\ntest: { beside: [{ image: redis }] }\n",
    "svc/link": "test: { beside: [] }\n",
    "svc/news": "test: { services: [] }\n",
    "svc/broken": "test: {\n",
    "tools/gen": "test: { beside: [] }\n",
  };
  for (const [path, content] of Object.entries(services)) {
    mkdirSync(join(directory, path), { recursive: true });
    writeFileSync(join(directory, path, "service.yaml"), content);
  }
  mkdirSync(join(directory, "svc/odd/service.yaml"), { recursive: true });
});
afterAll(() => rmSync(directory, { recursive: true }));

function lines(settings: Readonly<Record<string, unknown>>): string[] {
  return versionProblems(file, settings).map(({ location, message }) => `${location}: ${message}`);
}

describe("a stack file of version 1", () => {
  test("gets every key to rename, in it and in the services' own files", () => {
    expect(
      lines({ schemaVersion: 1, app: { name: "shop", directory }, defaults: old, services: { link: old, news: {} } }),
    ).toEqual([
      `${file}: schemaVersion: 1: this program reads version 2; set it to 2: rename these keys, too`,
      `${file}: defaults.test.beside: unknown key; version 2 calls it defaults.test.services`,
      `${file}: services.link.test.beside: unknown key; version 2 calls it services.link.test.services`,
      `${directory}/svc/link/service.yaml: test.beside: unknown key; version 2 calls it test.services`,
      `${directory}/svc/user/service.yaml: test.beside: unknown key; version 2 calls it test.services`,
    ]);
  });

  test("names its services as it does in version 2", () => {
    expect(lines({ schemaVersion: 1, app: { directory, services: "tools/*" } })).toEqual([
      `${file}: schemaVersion: 1: this program reads version 2; set it to 2: rename these keys, too`,
      `${directory}/tools/gen/service.yaml: test.beside: unknown key; version 2 calls it test.services`,
    ]);
  });

  test.each<[what: string, settings: Readonly<Record<string, unknown>>]>([
    ["no such key", { app: { directory: "no/such" }, defaults: {}, services: {} }],
    ["nothing else", {}],
    ["a text for a section", { app: "shop", defaults: "none", services: ["link"] }],
    // Another problem, which the program reports once the version is right.
    ["an unknown key", { app: { directory: "no/such" }, servises: { link: old } }],
  ])("with %s only gets the version to change", (_what, settings) => {
    expect(lines({ schemaVersion: 1, ...settings })).toEqual([
      `${file}: schemaVersion: 1: this program reads version 2; set it to 2: no key of yours has another name there`,
    ]);
  });
});

test("one of version 2 has no problem with its version, whatever is in it", () => {
  expect(lines({ schemaVersion: 2, app: { directory }, defaults: old })).toEqual([]);
});

test.each<[what: string, settings: Readonly<Record<string, unknown>>, shown: string]>([
  ["no version", {}, "missing; "],
  ["a later version", { schemaVersion: 3 }, "3: "],
  ["version 0", { schemaVersion: 0 }, "0: "],
  ["half a version", { schemaVersion: 1.5 }, "1.5: "],
  ["a version in words", { schemaVersion: "one" }, '"one": '],
])("one with %s is told which one to have, and of no keys", (_what, settings, shown) => {
  expect(lines({ ...settings, app: { directory }, defaults: old })).toEqual([
    `${file}: schemaVersion: ${shown}must be 2: this program reads version 2 of the stack file; see docs/architecture.md`,
  ]);
});

test("a number that Pulumi reads otherwise than it was meant is told of the file, and no file is no fault", () => {
  const stackFile = join(directory, "Pulumi.dev.yaml");
  expect(textProblems(stackFile)).toEqual([]);
  writeFileSync(stackFile, "config:\n  delivery:defaults: { env: { ZIP: 01234 } }\n");
  expect(textProblems(stackFile)).toEqual([
    { location: stackFile, message: expect.stringMatching(/^line 2: 01234 is another number to YAML 1\.1/) },
  ]);
});
