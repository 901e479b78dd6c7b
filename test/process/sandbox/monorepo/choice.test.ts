import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseMonorepo, chosenMonorepo, saveChoice } from "../../../../sandbox/monorepo/choice.ts";
import { saveEndpoints } from "../../../../sandbox/machine/endpoints.ts";

const program = process.cwd();
let root: string;
let stateDir: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "choice-"));
  stateDir = join(root, "state");
  for (const path of ["delivery/stacks", "shop", "bank"]) mkdirSync(join(root, path), { recursive: true });
  process.chdir(join(root, "delivery"));
});
afterEach(() => {
  process.chdir(program);
  rmSync(root, { recursive: true });
});

const stackFile = (name: string, text: string): void =>
  writeFileSync(join(root, `delivery/stacks/Pulumi.${name}.yaml`), text);
const isUp = (): void =>
  saveEndpoints(stateDir, {
    registryHost: "localhost:5001",
    circleci: { url: "http://localhost:8100/api/v2", organizationId: "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10" },
    kubeconfigPath: "",
  });

test("without options the sandbox goes on with what it runs, the example to begin with", () => {
  expect(chooseMonorepo(stateDir, {})).toBeUndefined();
  const chosen = { directory: join(root, "shop"), imported: "0".repeat(40) };
  saveChoice(stateDir, chosen);
  expect(chosenMonorepo(stateDir)).toEqual(chosen);
  expect(chooseMonorepo(stateDir, {})).toEqual(chosen);
  expect(chooseMonorepo(stateDir, { app: "../shop" })).toEqual(chosen);
});

test("a directory, or the stack file that names one", () => {
  expect(chooseMonorepo(stateDir, { app: "../shop" })).toEqual({ directory: join(root, "shop") });
  stackFile("mine", "config:\n  delivery:app: { name: bank, directory: ../bank }\n");
  expect(chooseMonorepo(stateDir, { stack: "mine" })).toEqual({ directory: join(root, "bank"), stack: "mine" });
});

test.each<[what: string, options: { app?: string; stack?: string }, message: string | RegExp]>([
  [
    "both",
    { app: "../shop", stack: "mine" },
    "--app and --stack exclude one another: stacks/Pulumi.mine.yaml says where",
  ],
  ["no directory", { app: "" }, "--app: set it to the root of a monorepo, e.g. ../shop"],
  ["none that is there", { app: "../no" }, '--app "../no" does not exist'],
  ["a file", { app: "../shop/file" }, '--app "../shop/file" is no directory'],
  [
    "no stack file",
    { stack: "dev" },
    "--stack dev: there is no stacks/Pulumi.dev.yaml; `npx delivery init --app DIR --env dev`",
  ],
  ["a path", { stack: "../dev" }, '--stack "../dev": must be the name of a stack'],
  ["the example's stack", { stack: "sandbox" }, "--stack sandbox: that is the example's; leave --stack out"],
  ["a stack file without a monorepo", { stack: "bare" }, "stacks/Pulumi.bare.yaml: app.directory: set it to the root"],
  ["one whose monorepo is gone", { stack: "gone" }, 'stacks/Pulumi.gone.yaml: app.directory "../gone" does not exist'],
  ["one that is no stack file", { stack: "list" }, "stacks/Pulumi.list.yaml has no `config:`"],
])("refuses %s, with the way out", (_what, options, message) => {
  writeFileSync(join(root, "shop/file"), "");
  stackFile("bare", "config:\n  delivery:schemaVersion: 2\n");
  stackFile("gone", "config:\n  delivery:app: { directory: ../gone }\n");
  stackFile("list", "- 1\n");
  expect(() => chooseMonorepo(stateDir, options)).toThrow(message);
  expect(chosenMonorepo(stateDir)).toBeUndefined();
});

test("never mixes two monorepos in one sandbox", () => {
  isUp();
  expect(() => chooseMonorepo(stateDir, { app: "../shop" })).toThrow("this sandbox runs the example; `npm run down`");
  saveChoice(stateDir, { directory: join(root, "shop") });
  expect(chooseMonorepo(stateDir, {})).toMatchObject({ directory: join(root, "shop") });
  const shop = relative(process.cwd(), join(root, "shop"));
  expect(() => chooseMonorepo(stateDir, { app: "../bank" })).toThrow(
    `this sandbox runs ${shop}; \`npm run down\` ends it`,
  );
});
