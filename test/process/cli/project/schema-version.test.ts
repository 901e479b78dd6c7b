import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const program = resolve("cli/delivery.js");
const overrides = "  delivery:services: { link: { test: { beside: [] } } }\n";
const userSettings = "test: { beside: [] }\n";

/** What a command says of an environment `dev` whose files are written so. */
function delivery(args: readonly string[], { version = "", more = "", settings = "" }) {
  using sample = new SampleMonorepo({
    "stacks/Pulumi.dev.yaml": `config:
  delivery:app: { name: shop, directory: shop }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
${version}${more}`,
    "shop/svc/link/Dockerfile": "FROM scratch\nEXPOSE 7070\n",
    "shop/svc/user/Dockerfile": "FROM scratch\nEXPOSE 7070\n",
    "shop/svc/user/service.yaml": settings,
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: sample.root,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const renamed = {
  status: 1,
  stdout: "",
  stderr: [
    `error: stacks/Pulumi.dev.yaml: schemaVersion: 1: this program reads version 2; set it to 2: rename these keys, too`,
    `stacks/Pulumi.dev.yaml: services.link.test.beside: unknown key; version 2 calls it services.link.test.services`,
    "shop/svc/user/service.yaml: test.beside: unknown key; version 2 calls it test.services\n",
  ].join("\n       "),
};

test.each<[command: string, ...options: string[]]>([
  ["changes", "--env", "dev", "--from", "HEAD"],
  ["test", "--env", "dev"],
  ["build", "--env", "dev"],
  ["ci-config", "--env", "dev"],
  ["release", "--env", "dev", "--digests", "-"],
  ["rollback", "--env", "dev"],
  ["promote", "--to", "dev"],
  ["drift", "--env", "dev"],
  ["status", "--env", "dev"],
  ["watch", "--env", "dev"],
  ["preview-environment", "--env", "dev", "--pull-request", "1", "--digests", "-"],
])("%s says which keys a stack file of version 1 has to rename, however little it reads of it", (...args) => {
  const version = "  delivery:schemaVersion: 1\n";
  expect(delivery(args, { version, more: overrides, settings: userSettings })).toEqual(renamed);
});

test("the version may be in quotes", () => {
  const version = '  delivery:schemaVersion: "1"\n';
  expect(delivery(["rollback", "--env", "dev"], { version, more: overrides, settings: userSettings })).toEqual(renamed);
});

test.each([
  ["none", "", "missing; "],
  ["a later one", "  delivery:schemaVersion: 3\n", "3: "],
])("a stack file of another version is refused: %s", (_what, version, shown) => {
  expect(delivery(["rollback", "--env", "dev"], { version, more: overrides, settings: userSettings })).toEqual({
    status: 1,
    stdout: "",
    stderr: `error: stacks/Pulumi.dev.yaml: schemaVersion: ${shown}must be 2: this program reads version 2 of the stack file; see docs/architecture.md\n`,
  });
});

const version = "  delivery:schemaVersion: 2\n";
test.each([
  [
    "stack file",
    { version, more: overrides },
    "stacks/Pulumi.dev.yaml: services.link.test.beside: unknown key; version 2 calls it services.link.test.services",
  ],
  [
    "service's file",
    { version, settings: userSettings },
    "shop/svc/user/service.yaml: test.beside: unknown key; version 2 calls it test.services",
  ],
])("the present name of a key is said where a %s has the old one in version 2", (_what, files, message) => {
  expect(delivery(["test", "--env", "dev"], files)).toEqual({ status: 1, stdout: "", stderr: `error: ${message}\n` });
});
