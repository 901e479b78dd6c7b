import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CiProject, type CiProjectArgs } from "../../components/circleci/ci-project.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../../core/atomic-file.ts";
import { openStack } from "../../sandbox/engine/open-stack.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { createCircleCiProvider } from "../../sandbox/providers/circleci/provider.ts";
import { serveProvider } from "../../sandbox/providers/server.ts";
import { startCircleCi, type CircleCi } from "../../sandbox/stand-ins/circleci/server.ts";

// The component on the real engine, with a provider that is as unkind as the official one.

const closing = new AsyncDisposableStack();
let folder: TemporaryDirectory;
let circleCi: CircleCi;
let stack: Stack;
let organizationId: string;
/** What the program declares at its next run. */
const wanted: Partial<CiProjectArgs> = {};
let token = "right";
/** Of the provider, in milliseconds. */
const retryDelays = [1];

beforeAll(async () => {
  folder = closing.use(temporaryDirectory("ci-project-"));
  circleCi = await startCircleCi({ port: 0, stateFile: join(folder.path, "circleci.json"), token: "right" });
  closing.defer(() => circleCi.close());
  organizationId = await newOrganization("acme");
  const provider = closing.use(await serveProvider(createCircleCiProvider({ retryDelays })));
  const { pulumi: cli } = await buildTools(["pulumi"], () => undefined);
  stack = await openStack({
    directory: join(folder.path, "engine"),
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
        schedules: [{ name: "drift", schedule: "0 6 * * *", branch: "main" }],
        host: circleCi.url,
        token: pulumi.secret(token),
        registry: { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") },
        variables: {},
        shared: { build: {}, read: {} },
        secrets: new Map(),
        ...wanted,
      });
      return {};
    },
    settings: {},
    secrets: {},
    providers: [provider],
  });
}, 600_000);

afterAll(() => closing.disposeAsync());

async function newOrganization(name: string): Promise<string> {
  const made: unknown = await call("POST", "/organization", { name, vcs_type: "circleci" });
  return String(Object(made).id);
}

async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const headers = { "circle-token": "right" };
  const answer = await fetch(`${circleCi.url}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.json();
}

/** What a list has at a key, sorted. */
async function itemsOf(path: string, key: string): Promise<string[]> {
  const { items }: { items: Record<string, unknown>[] } = Object(await call("GET", path));
  return items.map((item) => String(item[key])).toSorted();
}

/** What an update changes, without what stays. */
async function changes(): Promise<Record<string, number>> {
  const { summary } = await stack.up();
  const { same: _same, ...changed } = summary.resourceChanges ?? {};
  return changed;
}

async function failure(operation: "up" | "preview" = "up"): Promise<string> {
  return stack[operation]().then(
    () => "",
    (error: unknown) => String(error),
  );
}

/** The URN and the id of the one resource of a type and a name. */
async function resource(
  type: string,
  name = "shop",
): Promise<{ urn: string; id: string; outputs: Record<string, unknown> }> {
  const { deployment } = await stack.exportStack();
  const resources: { urn: string; id: string; outputs: Record<string, unknown> }[] = Object(deployment).resources;
  const found = resources.find(({ urn }) => urn.endsWith(`${type}::${name}`));
  if (found === undefined) throw new Error(`there is no ${type} ${name} in the state`);
  return found;
}

test("a wrong token is named at the first resource, with the way out, and nothing is made", async () => {
  token = "wrong";
  expect(await failure()).toMatch(
    /does not accept the token \(401\): set it with `pulumi config set --secret circleciToken`/,
  );
  token = "right";
}, 120_000);

test("a host that does not answer is named within seconds", async () => {
  wanted.host = "http://127.0.0.1:9/api/v2";
  expect(await failure()).toMatch(/CircleCI at http:\/\/127.0.0.1:9\/api\/v2 does not answer .*correct ci.host/);
  delete wanted.host;
}, 120_000);

test("a preview's lookup ends within seconds, where the provider would try for minutes", async () => {
  retryDelays[0] = 600_000;
  Object.assign(wanted, { host: "http://127.0.0.1:9/api/v2", owned: false, projectSlug: "circleci/a/b" });
  expect(await failure("preview")).toMatch(
    /ci.projectSlug "circleci\/a\/b": CircleCI's project cannot be looked up: CircleCI at http:\/\/127.0.0.1:9\/api\/v2 does not answer .*correct ci.host/,
  );
  retryDelays[0] = 1;
  for (const key of ["host", "owned", "projectSlug"] as const) delete wanted[key];
}, 120_000);

test("the second update changes nothing, nor does one after a change of a trigger by others", async () => {
  await changes();
  expect(await changes()).toEqual({});
  const { id } = await resource("trigger:Trigger");
  const project = await resource("project:Project");
  await call("PATCH", `/projects/${project.id}/triggers/${id}`, { disabled: true });
  await stack.refresh();
  expect(await changes()).toEqual({ update: 1 });
  expect(await changes()).toEqual({});
}, 240_000);

test("another repository reaches the configuration's source, and another project takes all along", async () => {
  wanted.repositoryId = "43";
  await changes();
  const [project, pipeline] = [await resource("project:Project"), await resource("pipeline:Pipeline")];
  expect(await call("GET", `/projects/${project.id}/pipeline-definitions/${pipeline.id}`)).toMatchObject({
    config_source: { repo: { external_id: "43" } },
  });
  wanted.project = "shop-2";
  await changes();
  expect(await changes()).toEqual({});
  expect((await resource("project:Project")).id).not.toBe(project.id);
  organizationId = await newOrganization("acme-2");
  await changes();
  expect(await changes()).toEqual({});
}, 240_000);

test("contexts are told apart in two updates: in between, jobs of both configurations have what they had, also after another password", async () => {
  const login = (password: string): Partial<CiProjectArgs> => ({
    sharedContext: true,
    pull: { registry: "docker.io", username: "acme-reader", password: "pull-token" },
    secrets: new Map([["pull-token", pulumi.secret(password)]]),
  });
  const names = async (): Promise<unknown> => {
    const { outputs } = await resource("project:Project");
    return itemsOf(`/project/${String(outputs["slug"])}/envvar`, "name");
  };
  const expected = ["DELIVERY_PULL_PASSWORD", "DELIVERY_PULL_REGISTRY", "DELIVERY_PULL_USERNAME"];
  Object.assign(wanted, login("hunter3"));
  // For each of the three contexts, and for the project; the environment's is open to every branch, and has what builds have.
  expect(await changes()).toEqual({ create: 3 * 3 + 3 + 2, delete: 1 });
  expect(await names()).toEqual(expected);
  Object.assign(wanted, login("hunter4"));
  expect(await changes()).toEqual({ update: 3, replace: 1 });
  expect(await names()).toEqual(expected);
  expect(await changes()).toEqual({});

  // The second step of the upgrade, once the configuration knows the new contexts: the same context, behind its wall.
  const { id } = await resource("context:Context");
  wanted.sharedContext = false;
  expect(await changes()).toEqual({ create: 1, delete: 2 + 3 });
  expect((await resource("context:Context")).id).toBe(id);
  expect(await names()).toEqual([]);
  expect(await itemsOf(`/context/${id}/environment-variable`, "variable")).toEqual(expected);
  expect(await itemsOf(`/context/${id}/restrictions`, "restriction_type")).toEqual(["expression", "group", "project"]);
  expect(await changes()).toEqual({});
}, 240_000);

test("what is gone is named with the command that takes it out of the state", async () => {
  const context = await resource("context:Context");
  await call("DELETE", `/context/${context.id}`);
  wanted.environment = "test";
  const said = await failure();
  expect(said).toContain("404 Not Found");
  expect(said).toMatch(
    /is gone at CircleCI already: take what is gone out of the state with `npx delivery repair --env dev --yes`, or this alone with `pulumi state delete --stack dev --yes --target-dependents 'urn:/,
  );
}, 240_000);
