import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SampleMonorepo } from "../../../support/sample-monorepo.ts";

const stack = (version: string, more = ""): string => `config:
${version}  delivery:app: { name: shop, directory: shop }
  delivery:images: { organization: acme, username: ci, source: registry, context: app }
  delivery:gitops: { repository: https://git.example/acme/deploy.git }
${more}`;
const overrides = "  delivery:services: { link: { test: { beside: [] } } }\n";

let sample: SampleMonorepo;
beforeAll(() => {
  sample = new SampleMonorepo({
    "stacks/Pulumi.dev.yaml": stack("  delivery:schemaVersion: 1\n", overrides),
    "stacks/Pulumi.quoted.yaml": stack('  delivery:schemaVersion: "1"\n', overrides),
    "stacks/Pulumi.next.yaml": stack("  delivery:schemaVersion: 3\n", overrides),
    "stacks/Pulumi.none.yaml": stack("", overrides),
    "stacks/Pulumi.mixed.yaml": stack("  delivery:schemaVersion: 2\n", overrides),
    "shop/svc/link/Dockerfile": "FROM scratch\nEXPOSE 7070\n",
    "shop/svc/user/Dockerfile": "FROM scratch\nEXPOSE 7070\n",
    "shop/svc/user/service.yaml": "test: { beside: [] }\n",
  });
});
afterAll(() => sample[Symbol.dispose]());

function delivery(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve("cli/main.ts"), ...args], {
    cwd: sample.root,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const commands: readonly (readonly [command: string, ...options: string[]])[] = [
  ["changes", "--from", "HEAD", "--env"],
  ["test", "--env"],
  ["build", "--env"],
  ["ci-config", "--env"],
  ["release", "--digests", "-", "--env"],
  ["rollback", "--env"],
  ["promote", "--to"],
  ["drift", "--env"],
  ["status", "--env"],
  ["watch", "--env"],
  ["preview-environment", "--pull-request", "1", "--digests", "-", "--env"],
];

describe("commands, however little they read of a stack file,", () => {
  test.each(commands)("say which keys one of version 1 has to rename: %s", (...args) => {
    for (const environment of ["dev", "quoted"])
      expect(delivery(...args, environment)).toEqual({
        status: 1,
        stdout: "",
        stderr: [
          `error: stacks/Pulumi.${environment}.yaml: schemaVersion: 1: this program reads version 2; set it to 2: rename these keys, too`,
          `stacks/Pulumi.${environment}.yaml: services.link.test.beside: unknown key; version 2 calls it services.link.test.services`,
          "shop/svc/user/service.yaml: test.beside: unknown key; version 2 calls it test.services\n",
        ].join("\n       "),
      });
  });

  test.each([
    ["next", "3: "],
    ["none", "missing; "],
  ])("refuse another version: that of %s", (environment, shown) => {
    expect(delivery("rollback", "--env", environment)).toEqual({
      status: 1,
      stdout: "",
      stderr: `error: stacks/Pulumi.${environment}.yaml: schemaVersion: ${shown}must be 2: this program reads version 2 of the stack file; see docs/architecture.md\n`,
    });
  });

  test("say the present name of a key in version 2, too", () => {
    expect(delivery("test", "--env", "mixed").stderr).toBe(
      "error: stacks/Pulumi.mixed.yaml: services.link.test.beside: unknown key; version 2 calls it services.link.test.services\n",
    );
  });
});

test("a service's file with an old key says the present one", () => {
  using current = new SampleMonorepo({
    "stacks/Pulumi.dev.yaml": stack("  delivery:schemaVersion: 2\n"),
    "shop/svc/user/Dockerfile": "FROM scratch\nEXPOSE 7070\n",
    "shop/svc/user/service.yaml": "test: { beside: [] }\n",
  });
  const { status, stderr } = spawnSync(process.execPath, [resolve("cli/main.ts"), "test", "--env", "dev"], {
    cwd: current.root,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "error: shop/svc/user/service.yaml: test.beside: unknown key; version 2 calls it test.services\n",
  });
});
