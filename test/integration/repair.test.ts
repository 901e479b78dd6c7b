import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { repair } from "../../cli/repair/repair.ts";
import type { RepairReport } from "../../cli/repair/report.ts";
import { Project } from "../../cli/project/stack-file.ts";
import { CiProject, type CiProjectArgs } from "../../components/circleci/ci-project.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../../core/atomic-file.ts";
import { outputOf, runProcess } from "../../core/process.ts";
import { shellProcess } from "../../core/shell.ts";
import { writeYaml } from "../../core/yaml.ts";
import { openStack } from "../../sandbox/engine/open-stack.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { createCircleCiProvider } from "../../sandbox/providers/circleci/provider.ts";
import { serveProvider } from "../../sandbox/providers/server.ts";
import { startCircleCi, type CircleCi } from "../../sandbox/stand-ins/circleci/server.ts";
import { installLanguageHost } from "../support/language-host-stand-in.ts";
import { circleCiProxy, type CircleCiProxy } from "../support/circleci-proxy.ts";

// `delivery repair`, and the commands that messages print, with the real engine and a provider that is as unkind as the
// official one. The tests build on each other.

const closing = new AsyncDisposableStack();
let folder: TemporaryDirectory;
let circleCi: CircleCi;
let proxy: CircleCiProxy;
let stack: Stack;
let organizationId: string;
/** What the program declares at its next run. */
const wanted: Partial<CiProjectArgs> = {};
let directory: string;
const given = process.cwd();

beforeAll(async () => {
  folder = closing.use(temporaryDirectory("repair-"));
  circleCi = await startCircleCi({ port: 0, stateFile: join(folder.path, "circleci.json"), token: "right" });
  closing.defer(() => circleCi.close());
  proxy = closing.use(await circleCiProxy(circleCi.url));
  organizationId = String(Object(await call("POST", "/organization", { name: "acme", vcs_type: "circleci" })).id);
  const provider = closing.use(await serveProvider(createCircleCiProvider({ retryDelays: [1] })));
  const { pulumi: cli } = await buildTools(["pulumi"], () => undefined);
  const engine = join(folder.path, "engine");
  const settings = {
    "delivery:schemaVersion": "2",
    "delivery:app": { name: "shop", directory: "." },
    "delivery:ci": { organizationId, repositoryId: "42", host: proxy.url },
    "delivery:owns": { ciProject: true },
  };
  stack = await openStack({
    directory: engine,
    pulumi: cli,
    project: "delivery",
    stack: "dev",
    program: async () => {
      new CiProject("shop", {
        app: "shop",
        environment: "dev",
        organizationId,
        project: "shop",
        owned: true,
        standalone: true,
        repositoryId: "42",
        host: proxy.url,
        token: pulumi.secret("right"),
        registry: { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") },
        variables: { TOKEN: "token" },
        shared: { build: {}, read: {} },
        secrets: new Map([["token", pulumi.secret("hunter3")]]),
        ...wanted,
      });
      return {};
    },
    settings,
    secrets: { "delivery:circleciToken": "right" },
    providers: [provider],
  });
  // The program's directory as users have it, whose commands find the same stack.
  directory = join(folder.path, "program");
  mkdirSync(join(directory, "stacks"), { recursive: true });
  writeFileSync(join(directory, "Pulumi.yaml"), readFileSync(join(given, "Pulumi.yaml"), "utf8"));
  const kept: unknown = parse(readFileSync(join(engine, "workspace", "Pulumi.dev.yaml"), "utf8"));
  writeFileSync(join(directory, "stacks", "Pulumi.dev.yaml"), writeYaml(kept));
  const { workspace } = stack;
  Object.assign(process.env, workspace.envVars, { PATH: `${join(cli, "..")}${delimiter}${process.env["PATH"]}` });
  installLanguageHost(join(engine, "home"));
  process.chdir(directory);
}, 600_000);

afterAll(async () => {
  process.chdir(given);
  await closing.disposeAsync();
});

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const headers = { "circle-token": "right" };
  const answer = await fetch(`${circleCi.url}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.json();
}

/** What an operation has changed, without what stays; or why it has failed. */
async function outcome(operation: Promise<{ summary: { resourceChanges?: object } }>): Promise<unknown> {
  return operation.then(
    ({ summary }) => Object.fromEntries(Object.entries(summary.resourceChanges ?? {}).filter(([op]) => op !== "same")),
    (error: unknown) => String(error),
  );
}

const repaired = (isSure: boolean, adopt: readonly string[] = []): Promise<RepairReport> =>
  repair(new Project(), "dev", { adopt, isSure }, AbortSignal.timeout(60_000));

const named = ({ gone }: RepairReport): string[] => gone.map(({ kind, name }) => `${kind} ${name}`);

async function idOf(type: string): Promise<string> {
  const found = (await resources()).find(({ urn }) => urn.endsWith(`${type}::shop`));
  if (found === undefined) throw new Error(`there is no ${type} in the state`);
  return found.id;
}

async function resources(): Promise<{ urn: string; id: string; outputs?: Record<string, unknown> }[]> {
  const { deployment } = await stack.exportStack();
  return Object(deployment).resources;
}

const contextResources = [
  "Context shop",
  "ContextRestriction shop",
  "ContextRestriction shop-expression",
  "ContextEnvironmentVariable TOKEN",
];

test("where all is there, nothing is changed", async () => {
  expect(await outcome(stack.up())).toMatchObject({ create: expect.any(Number) });
  const before = await resources();
  expect(await repaired(true)).toMatchObject({ gone: [], removed: false, orphans: [], interrupted: [] });
  expect(await resources()).toEqual(before);
}, 240_000);

test("a context that is gone fails a refresh and a destroy; repaired, the next update makes it again", async () => {
  await call("DELETE", `/context/${await idOf("context:Context")}`);
  expect(await outcome(stack.refresh())).toContain("404 Not Found");
  const shown = await repaired(false);
  expect([named(shown).toSorted(), shown.removed]).toEqual([contextResources.toSorted(), false]);
  expect(named(await repaired(true)).toSorted()).toEqual(contextResources.toSorted());
  expect(await repaired(true)).toMatchObject({ gone: [], removed: false });
  expect(await outcome(stack.refresh())).toEqual({});
  expect(await outcome(stack.up())).toEqual({ create: 4 });
  expect(await outcome(stack.up())).toEqual({});
}, 240_000);

test("a project that is gone takes along its pipeline and triggers, and no context that was restricted to it", async () => {
  const slug = `circleci/${organizationId}/${await idOf("project:Project")}`;
  await call("DELETE", `/project/${slug}`);
  expect(named(await repaired(true)).toSorted()).toEqual([
    "Pipeline shop",
    "Project shop",
    "Trigger shop",
    "Trigger shop-labelled",
    "Trigger shop-opened",
  ]);
  const contextId = await idOf("context:Context");
  expect(await outcome(stack.up())).toMatchObject({ create: 5, replace: 3 });
  expect(await outcome(stack.up())).toEqual({});
  expect(await idOf("context:Context")).toBe(contextId);
}, 240_000);

test("protected resources that are gone are taken out, too, and named as such", async () => {
  const trigger = (await resources()).find(({ urn }) => urn.endsWith("trigger:Trigger::shop-opened"));
  await call("DELETE", `/projects/${await idOf("project:Project")}/triggers/${trigger?.id}`);
  const { pulumiCommand, workDir } = stack.workspace as { pulumiCommand?: { command: string }; workDir: string };
  await outputOf(
    pulumiCommand?.command ?? "pulumi",
    ["state", "protect", "--yes", "--stack", "dev", trigger?.urn ?? ""],
    {
      cwd: workDir,
      env: process.env,
    },
  );
  expect((await repaired(true)).gone).toEqual([
    expect.objectContaining({ kind: "Trigger", name: "shop-opened", protected: true }),
  ]);
  expect(await outcome(stack.up())).toEqual({ create: 1 });
}, 240_000);

test("what an update that was killed was creating is named: a change of the state forgets it", async () => {
  const file = join(folder.path, "engine", "state", ".pulumi", "stacks", "delivery", "dev.json");
  const kept: { checkpoint: { latest: { resources: { urn: string }[]; pending_operations?: unknown } } } = JSON.parse(
    readFileSync(file, "utf8"),
  );
  const { latest } = kept.checkpoint;
  const resource = latest.resources.find(({ urn }) => urn.endsWith("trigger:Trigger::shop-labelled"));
  latest.pending_operations = [{ type: "creating", resource }];
  writeFileSync(file, JSON.stringify(kept));
  await call("DELETE", `/context/${await idOf("context:Context")}`);
  expect(await repaired(true)).toMatchObject({ removed: true, interrupted: ["Trigger shop-labelled"] });
  expect(await repaired(true)).toMatchObject({ gone: [], interrupted: [] });
  expect(await outcome(stack.up())).toEqual({ create: 4 });
}, 240_000);

test("nothing is taken out with a wrong token, or where CircleCI does not answer or is not well", async () => {
  await call("DELETE", `/context/${await idOf("context:Context")}`);
  const before = await resources();
  const others = (_method: string, path: string) => (path === "/me" ? undefined : 404);
  for (const [refusal, message] of [
    [
      () => 401,
      /does not accept the token \(401\): set it with `pulumi config set --secret circleciToken`.*; nothing is changed$/,
    ],
    [() => 403, /answers 403 for \/me; nothing is changed$/],
    [() => 500, /answers 500 for \/me; nothing is changed$/],
    // Another account is not let into the organization, and sees nothing of it.
    [others, /^organization .* cannot be looked into with the stack's circleciToken.*; nothing is changed$/],
  ] as const) {
    await using _refusing = proxy.answering(refusal);
    await expect(repaired(true)).rejects.toThrow(message);
  }
  expect(await resources()).toEqual(before);
}, 240_000);

test("after a repair, a destroy goes through", async () => {
  expect(await outcome(stack.destroy())).toContain("404 Not Found");
  await repaired(true);
  expect(await outcome(stack.destroy())).toMatchObject({ delete: expect.any(Number) });
}, 240_000);

test("a project whose settings are refused can be imported by the command that the message prints", async () => {
  await using refusing = proxy.answering((method, path) =>
    method === "PATCH" && path.endsWith("/settings") ? 403 : undefined,
  );
  const said = String(await outcome(stack.up()));
  const [, command = ""] = /take the project in with `(pulumi import [^`]+)`/.exec(said) ?? [];
  expect(command).toMatch(/circleci:index\/project:Project shop circleci\/\w+\/\w+ --stack dev$/);
  expect(await outcome(stack.up())).toContain("409 Conflict");
  const shell = shellProcess(command);
  const imported = await runProcess(shell.command, shell.args, { cwd: directory, env: process.env });
  expect(imported.stdout.toString() + imported.stderr.toString()).toMatch(/1 imported/);
  await refusing[Symbol.asyncDispose]();
  expect(await outcome(stack.up())).toMatchObject({ update: 1 });
  expect(await outcome(stack.up())).toEqual({});
}, 240_000);

test("a project and a context that the state lacks are taken in", async () => {
  const context = await idOf("context:Context");
  const project = (await resources()).find(({ urn }) => urn.endsWith("project:Project::shop"));
  const slug = String(project?.outputs?.["slug"]);
  const urns = (await resources()).filter(({ urn }) => /circleci:index\/(project:|context:)/.test(urn));
  for (const { urn } of urns)
    await outputOf("pulumi", ["state", "delete", "--yes", "--target-dependents", "--stack", "dev", urn], {
      cwd: directory,
      env: process.env,
    });
  expect(await outcome(stack.up())).toContain("409 Conflict");
  const { orphans } = await repaired(true);
  const contexts = orphans.filter(({ kind }) => kind === "Context");
  expect(contexts.map(({ name }) => name)).toEqual(["shop-dev", "shop-build", "shop-read"]);
  expect(contexts[0]).toMatchObject({ adopt: context, adopted: false });
  // A context brings its restrictions along, which CircleCI would not make twice.
  const adopted = await repaired(true, [slug, ...contexts.map(({ adopt }) => adopt)]);
  expect(adopted.orphans.map(({ kind, adopted: isAdopted }) => [kind, isAdopted])).toEqual([
    ["Project", true],
    ...contexts.map(() => ["Context", true]),
    ...contexts.flatMap(() => [
      ["ContextRestriction", true],
      ["ContextRestriction", true],
    ]),
  ]);
  expect((await repaired(true)).orphans).toEqual([]);
  expect(await idOf("context:Context")).toBe(context);
  expect(await outcome(stack.up())).toMatchObject({ create: expect.any(Number) });
  expect(await outcome(stack.up())).toEqual({});
}, 240_000);

test("a restriction that was made without being noted is found by itself", async () => {
  const restriction = (await resources()).find(({ urn }) =>
    urn.endsWith("contextRestriction:ContextRestriction::shop"),
  );
  await outputOf(
    "pulumi",
    ["state", "delete", "--yes", "--target-dependents", "--stack", "dev", restriction?.urn ?? ""],
    { cwd: directory, env: process.env },
  );
  expect(String(await outcome(stack.up()))).toContain("npx delivery repair --env dev --yes --adopt");
  expect((await repaired(true, [restriction?.id ?? ""])).orphans).toMatchObject([{ adopted: true }]);
  await outcome(stack.up());
  expect(await outcome(stack.up())).toEqual({});
}, 240_000);
