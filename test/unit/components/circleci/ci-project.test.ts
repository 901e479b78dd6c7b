import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { CiProject, type CiProjectArgs } from "../../../../components/circleci/ci-project.ts";
import { hideSecrets, openEnvelope, openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";

const organizationId = "7d1f3c52-5d0e-4c1b-9c55-0a5d3c7e1f10";
const base: CiProjectArgs = {
  app: "shop",
  environment: "dev",
  organizationId,
  project: "shop-monorepo",
  owned: true,
  standalone: true,
  token: pulumi.secret("circle-token"),
  registry: { server: "docker.io", username: "acme-ci", password: pulumi.secret("hunter2") },
  variables: {},
  shared: { build: {}, read: {} },
  secrets: new Map([["signing-key", pulumi.secret("hunter3")]]),
};

async function declared(args: Partial<CiProjectArgs> = {}) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const ci = new CiProject("shop", { ...base, ...args });
  return { ci, resources: await engine.resources(), registrations };
}

const child = (type: string, name = "shop"): string => `delivery:ci:CiProject$circleci:index/${type}::${name}`;
const project = child("project:Project");
const variable = (name: string): string => child("contextEnvironmentVariable:ContextEnvironmentVariable", name);

const restriction = (name: string): string => child("contextRestriction:ContextRestriction", name);
/** The variables of a context, by its resource's name. */
const variablesOf = (resources: Record<string, Record<string, unknown>>, context: string): string[] =>
  Object.entries(resources)
    .filter(([urn, { contextId }]) => urn.includes("contextEnvironmentVariable") && contextId === `${context}-id`)
    .map(([, { name }]) => String(name));

test("an own project comes with the contexts that environments share, each restricted before it holds anything", async () => {
  const { resources } = await declared();
  expect(Object.keys(resources)).toEqual([
    child("context:Context"),
    child("context:Context", "shop-build"),
    child("context:Context", "shop-read"),
    variable("build-DOCKERHUB_PASSWORD"),
    variable("build-DOCKERHUB_USERNAME"),
    ...["shop", "shop-build", "shop-build-expression", "shop-expression", "shop-read", "shop-read-expression"].map(
      restriction,
    ),
    project,
    "delivery:ci:CiProject$pulumi:providers:circleci::shop",
    "delivery:ci:CiProject::shop",
  ]);
  expect(resources[child("context:Context")]).toEqual({ name: "shop-dev", organizationId });
  expect(resources[child("context:Context", "shop-build")]).toEqual({ name: "shop-build", organizationId });
  expect(resources[restriction("shop-read")]).toEqual({ contextId: "shop-read-id", type: "project", value: "shop-id" });
});

const merged = "pipeline.git.branch.is_default == true";
const ofAnyBranch = 'not job.ssh.enabled and not (pipeline.config_source starts-with "api")';
const notByApi = 'not (pipeline.trigger.type starts-with "api")';

test.each<[string, Partial<CiProjectArgs>, Record<string, string>]>([
  [
    "the default branch",
    {},
    {
      shop: `${merged} and ${ofAnyBranch} and ${notByApi}`,
      "shop-build": `${merged} and ${ofAnyBranch} and ${notByApi}`,
      "shop-read": ofAnyBranch,
    },
  ],
  [
    "a branch that is named",
    { branch: 'a"b', shared: { build: {}, read: {}, previews: {} } },
    {
      shop: `pipeline.git.branch == "a\\"b" and ${ofAnyBranch} and ${notByApi}`,
      "shop-build": `pipeline.git.branch == "a\\"b" and ${ofAnyBranch} and ${notByApi}`,
      "shop-previews": ofAnyBranch,
      "shop-read": ofAnyBranch,
    },
  ],
  // CircleCI's OAuth app does not say what has started a pipeline, and takes the config from the branch that is built.
  [
    "a project that follows a repository",
    { owned: false, projectSlug: "gh/acme/shop" },
    { shop: `${merged} and ${ofAnyBranch}` },
  ],
  [
    "another stack's project",
    { owned: false, projectSlug: "circleci/a/b" },
    { shop: `${merged} and ${ofAnyBranch} and ${notByApi}` },
  ],
])("what is delivered is %s: which pipelines get which context", async (_case, args, expected) => {
  const { resources } = await declared(args);
  const expressions = Object.entries(resources)
    .filter(([, { type }]) => type === "expression")
    .map(([, { contextId, value }]) => [String(contextId).replace(/-id$/, ""), value]);
  expect(Object.fromEntries(expressions)).toEqual(expected);
});

test("what CircleCI lists as deploys is rolled back by a pipeline that no event starts", async () => {
  const { resources } = await declared({ repositoryId: "7", deployMarkers: true });
  expect(resources[child("pipeline:Pipeline", "shop-rollback")]).toMatchObject({
    name: "rollback",
    configSourceFilePath: ".circleci/rollback.yml",
    checkoutSourceRepoExternalId: "7",
  });
  const triggers = Object.keys(resources).filter((urn) => urn.includes("trigger:Trigger"));
  expect(triggers.map((urn) => Object(resources[urn]).pipelineId)).toEqual(triggers.map(() => "shop-id"));
  const { resources: without } = await declared({ repositoryId: "7" });
  expect(Object.keys(without)).not.toContain(child("pipeline:Pipeline", "shop-rollback"));
});

describe("a secret", () => {
  const args = {
    variables: { DELIVERY_GIT_TOKEN: "signing-key" },
    shared: { build: { NPM: "signing-key" }, read: { COMMENT: "signing-key" }, previews: { PUSH: "signing-key" } },
    pull: { registry: "docker.io", username: "acme-reader", password: "signing-key" },
    readGit: { username: "reader", token: pulumi.secret("hunter4") },
  };
  const pulls = ["DELIVERY_PULL_PASSWORD", "DELIVERY_PULL_REGISTRY", "DELIVERY_PULL_USERNAME"];

  test("is in the contexts that it is named for, and in no others", async () => {
    const { resources } = await declared(args);
    expect(variablesOf(resources, "shop")).toEqual(["DELIVERY_GIT_TOKEN", ...pulls]);
    expect(variablesOf(resources, "shop-build")).toEqual([...pulls, "DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME", "NPM"]);
    expect(variablesOf(resources, "shop-read")).toEqual([
      "COMMENT",
      "DELIVERY_GIT_TOKEN",
      "DELIVERY_GIT_USERNAME",
      ...pulls,
    ]);
    expect(variablesOf(resources, "shop-previews")).toEqual([...pulls, "PUSH"]);
    expect(openEnvelope(resources[variable("read-DELIVERY_GIT_TOKEN")]?.["value"])).toBe("hunter4");
    expect(JSON.stringify(hideSecrets(resources))).not.toMatch(/hunter|acme-reader/);
  });

  test("of the environment's own stays with it where another stack owns the project", async () => {
    const { resources } = await declared({
      ...args,
      shared: { build: {}, read: {} },
      owned: false,
      projectSlug: "circleci/a/b",
    });
    expect(Object.keys(resources).filter((urn) => urn.includes("context:Context"))).toEqual([child("context:Context")]);
    expect(variablesOf(resources, "shop")).toEqual(["DELIVERY_GIT_TOKEN", ...pulls]);
  });

  test("is where it was as well while the environment's context is shared, and none of those is lost on the way", async () => {
    const { resources } = await declared({ ...args, sharedContext: true });
    expect(variablesOf(resources, "shop")).toEqual([
      "DELIVERY_GIT_TOKEN",
      ...pulls,
      "DOCKERHUB_PASSWORD",
      "DOCKERHUB_USERNAME",
      "NPM",
    ]);
    expect(variablesOf(resources, "shop-build")).toEqual([...pulls, "DOCKERHUB_PASSWORD", "DOCKERHUB_USERNAME", "NPM"]);
    expect(resources[restriction("shop-expression")]).toBeUndefined();
    expect(resources[restriction("shop-build-expression")]).toBeDefined();
  });
});

test("nobody logs in to a job", async () => {
  const { resources } = await declared();
  expect(resources[project]).toMatchObject({ disableSsh: true });
});

test("forks get no secrets, GitHub gets a status, and both are said: the provider's defaults are the opposite", async () => {
  const { resources } = await declared();
  expect(resources[project]).toMatchObject({
    name: "shop-monorepo",
    organizationId,
    forksReceiveSecretEnvVars: false,
    setGithubStatus: true,
  });
});

describe("another stack's project", () => {
  test("is looked up, not declared, and restricts the context all the same", async () => {
    const { ci, resources } = await declared({ owned: false, projectSlug: "gh/acme/shop", repositoryId: "42" });
    expect(Object.keys(resources).filter((urn) => /:(Project|Pipeline|Trigger)::/.test(urn))).toEqual([]);
    expect(resources[child("contextRestriction:ContextRestriction")]).toMatchObject({ value: "looked-up-project-id" });
    expect(await new Promise((resolve) => void ci.projectId.apply(resolve))).toBe("looked-up-project-id");
  });
});

test.each([
  [true, false],
  [false, true],
])("a project whose being standalone is %s is left behind by destroy: %s", async (standalone, left) => {
  const { registrations } = await declared({ standalone, repositoryId: "42" });
  const retained = [...registrations.values()].filter(({ retainOnDelete }) => retainOnDelete).map(({ id }) => id);
  // All else, its pipeline and trigger too, CircleCI does delete.
  expect(retained).toEqual(left ? ["circleci:index/project:Project::shop"] : []);
});

describe("a pipeline", () => {
  test("runs at every push to the repository", async () => {
    const { resources } = await declared({ repositoryId: "42" });
    expect(resources[child("pipeline:Pipeline")]).toMatchObject({
      projectId: "shop-id",
      checkoutSourceRepoExternalId: "42",
      configSourceRepoExternalId: "42",
      configSourceFilePath: ".circleci/config.yml",
    });
    expect(resources[child("trigger:Trigger")]).toMatchObject({
      projectId: "shop-id",
      pipelineId: "shop-id",
      eventSourceRepoExternalId: "42",
      eventPreset: "all-pushes",
      disabled: false,
    });
  });
  test("runs without a push, too, when a pull request is opened, or labelled as CircleCI wants it", async () => {
    const { resources } = await declared({ repositoryId: "42" });
    const triggers = Object.entries(resources).filter(([urn]) => urn.includes("trigger:Trigger"));
    expect(Object.fromEntries(triggers.map(([urn, { eventPreset }]) => [urn.split("::").at(-1), eventPreset]))).toEqual(
      {
        shop: "all-pushes",
        "shop-labelled": "only-labeled-prs",
        "shop-opened": "only-open-prs",
      },
    );
    for (const [, inputs] of triggers) {
      expect(inputs).toMatchObject({ pipelineId: "shop-id", eventSourceRepoExternalId: "42", disabled: false });
      // The provider refuses parameters for all but schedules.
      expect(inputs).not.toHaveProperty("parameters");
    }
  });
  test("looks for drift by schedule, on the delivered branch", async () => {
    const { resources } = await declared({
      repositoryId: "42",
      schedules: [{ name: "drift", schedule: "0 6 * * *", branch: "trunk" }],
    });
    expect(resources[child("trigger:Trigger", "shop-drift")]).toEqual({
      projectId: "shop-id",
      pipelineId: "shop-id",
      disabled: false,
      eventSourceProvider: "schedule",
      eventSourceScheduleCronExpression: "0 6 * * *",
      eventSourceScheduleAttributionActor: "system",
      eventName: "drift",
      checkoutRef: "trunk",
      configRef: "trunk",
      parameters: { drift: true },
    });
  });
});

describe("the login for pulls", () => {
  const pull = { registry: "ghcr.io", username: "acme-reader", password: "signing-key" };
  const inProject = (name: string): string => child("projectEnvironmentVariable:ProjectEnvironmentVariable", name);
  const expected = {
    DELIVERY_PULL_PASSWORD: "hunter3",
    DELIVERY_PULL_REGISTRY: "ghcr.io",
    DELIVERY_PULL_USERNAME: "acme-reader",
  };

  test("is in the project while the context is shared: builds of pull requests had none; all of it is secret", async () => {
    const { resources, registrations } = await declared({ pull, sharedContext: true });
    for (const [name, value] of Object.entries(expected)) {
      expect(openEnvelope(resources[variable(name)]?.["value"])).toBe(value);
      expect(openEnvelope(resources[inProject(name)]?.["value"])).toBe(value);
      expect(resources[inProject(name)]).toMatchObject({
        projectSlug: "circleci/id-of-organization/shop-monorepo",
        name,
      });
    }
    expect(JSON.stringify(hideSecrets(resources))).not.toMatch(/hunter|acme-reader/);
    // The variable is known by its name alone: deleted after its replacement, it would be gone.
    const replaced = [...registrations.values()].filter(({ deleteBeforeReplace }) => deleteBeforeReplace);
    expect(new Set(replaced.map(({ id }) => id.split("::")[1]))).toEqual(new Set(Object.keys(expected)));
  });

  test("is in the context alone where another stack owns the project", async () => {
    const { resources } = await declared({ pull, owned: false, projectSlug: "circleci/a/b" });
    expect(Object.keys(resources).filter((urn) => urn.includes("DELIVERY_PULL"))).toEqual(
      Object.keys(expected).map((name) => variable(name)),
    );
  });
});

describe("the contexts' variables", () => {
  test("are the registry's login and the stack's, all as secrets, each under its explicit name", async () => {
    const { resources } = await declared({ variables: { SIGNING_KEY: "signing-key" } });
    const values = Object.entries(resources)
      .filter(([urn]) => urn.includes("contextEnvironmentVariable"))
      .map(([, inputs]) => [inputs["name"], openEnvelope(inputs["value"])]);
    expect(Object.fromEntries(values)).toEqual({
      DOCKERHUB_PASSWORD: "hunter2",
      DOCKERHUB_USERNAME: "acme-ci",
      SIGNING_KEY: "hunter3",
    });
    expect(JSON.stringify(hideSecrets(resources))).not.toMatch(/hunter|circle-token/);
  });
  test("come after the restriction: the context must never hold a secret that every project may read", async () => {
    const { registrations } = await declared({ variables: { SIGNING_KEY: "signing-key" } });
    const variables = [...registrations.values()].filter(({ id }) => id.includes("ContextEnvironmentVariable"));
    expect(variables).toHaveLength(3);
    for (const { id, dependsOn } of variables)
      for (const suffix of ["", "-expression"])
        expect(dependsOn).toContain(
          `circleci:index/contextRestriction:ContextRestriction::shop${id.includes("::build-") ? "-build" : ""}${suffix}`,
        );
  });
});

test.each([
  [undefined, undefined],
  ["http://localhost:8100/api/v2/", "http://localhost:8100/api/v2/"],
])("the API is at %s, and its token a secret", async (host, declaredHost) => {
  const { resources, registrations } = await declared({ host, repositoryId: "42" });
  const provider = resources["delivery:ci:CiProject$pulumi:providers:circleci::shop"];
  expect(provider?.["host"]).toBe(declaredHost);
  expect(openEnvelope(provider?.["key"])).toBe("circle-token");
  const others = [...registrations.values()].filter(({ id }) => id.startsWith("circleci:"));
  expect(new Set(others.map((other) => `${other.parent} by ${other.provider}`))).toEqual(
    new Set(["delivery:ci:CiProject::shop by pulumi:providers:circleci::shop"]),
  );
});

const github = ["checkoutRef", "configRef", "eventSourceScheduleAttributionActor"];
const place = ["projectId", "pipelineId", "eventSourceProvider"];

test.each<[string, string[], string[]]>([
  ["pulumi:providers:circleci::shop", ["version"], []],
  ["circleci:index/project:Project::shop", [], []],
  ["circleci:index/pipeline:Pipeline::shop", [], ["projectId", "configSourceProvider", "configSourceRepoExternalId"]],
  ["circleci:index/trigger:Trigger::shop", github, place],
  ["circleci:index/trigger:Trigger::shop-opened", github, place],
  ["circleci:index/trigger:Trigger::shop-labelled", github, place],
  // Its references and its actor are set, and may change.
  ["circleci:index/trigger:Trigger::shop-drift", [], place],
  ["circleci:index/context:Context::shop", [], ["organizationId"]],
  ["circleci:index/contextRestriction:ContextRestriction::shop", [], []],
  ["circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable::build-DOCKERHUB_USERNAME", [], []],
])("%s ignores changes of %j and is replaced at changes of %j", async (id, ignored, replacing) => {
  const { registrations } = await declared({
    repositoryId: "42",
    schedules: [{ name: "drift", schedule: "0 6 * * *", branch: "main" }],
  });
  const { ignoreChanges, replaceOnChanges } = registrations.get(id) ?? {};
  expect([ignoreChanges, replaceOnChanges]).toEqual([ignored, replacing]);
});

test("a private key that signs is on one line, for CircleCI masks values in logs by the line", async () => {
  const { resources } = await declared({ variables: { DELIVERY_SIGNING_KEY: "signing-key" } });
  const value = openEnvelope(resources[variable("DELIVERY_SIGNING_KEY")]?.["value"]);
  expect(value).toBe(Buffer.from("hunter3").toString("base64"));
});
