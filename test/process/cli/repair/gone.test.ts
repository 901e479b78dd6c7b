import { createServer } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { orphanContexts, orphanProject, orphanRestrictions } from "../../../../cli/repair/adopt.ts";
import { circleCiResources, parseDeployment, type Deployment } from "../../../../cli/repair/deployment.ts";
import { findGone } from "../../../../cli/repair/gone.ts";
import { CircleCiHarness } from "../../../support/circleci-harness.ts";

// CircleCI's stand-in is asked; what is in the state is made there first.

const signal = AbortSignal.timeout(60_000);
const urn = (type: string, name = "shop"): string =>
  `urn:pulumi:dev::delivery::delivery:ci:CiProject$circleci:index/${type}::${name}`;

let ci: CircleCiHarness;
let context = "";
let restriction = "";
let definition = "";

beforeAll(async () => {
  ci = await CircleCiHarness.create();
});
afterAll(() => ci[Symbol.asyncDispose]());

interface Made {
  id: string;
}

beforeEach(async () => {
  for (const { id } of ((await ci.ask("GET", `/context?owner-id=${ci.organizationId}`)) as { items: Made[] }).items)
    await ci.ask("DELETE", `/context/${id}`);
  context = await ci.context("shop-dev", { TOKEN: "hunter2", OTHER: "hunter3" });
  const project = { restriction_type: "project", restriction_value: ci.projectId };
  restriction = ((await ci.ask("POST", `/context/${context}/restrictions`, project)) as Made).id;
  const definitions = (await ci.ask("GET", `/projects/${ci.projectId}/pipeline-definitions`)) as { items: Made[] };
  definition = definitions.items[0]?.id ?? "";
});

function state(changes: Readonly<Record<string, object>> = {}): Deployment {
  const organizationId = ci.organizationId;
  const resource = (type: string, id: string, outputs: object, name?: string) => ({
    urn: urn(type, name),
    parent: "urn:pulumi:dev::delivery::delivery:ci:CiProject::shop",
    type: `circleci:index/${type}`,
    id,
    outputs,
    inputs: outputs,
    ...changes[type],
  });
  const resources = [
    resource("project:Project", ci.projectId, { slug: ci.slug, organizationId }),
    resource("context:Context", context, { organizationId }),
    resource("contextRestriction:ContextRestriction", restriction, { contextId: context }),
    ...["TOKEN", "OTHER"].map((name) =>
      resource(
        "contextEnvironmentVariable:ContextEnvironmentVariable",
        "missing ID",
        { contextId: context, name },
        name,
      ),
    ),
    resource("pipeline:Pipeline", definition, { projectId: ci.projectId }),
    resource("trigger:Trigger", ci.triggerId, { projectId: ci.projectId }),
  ];
  return parseDeployment(JSON.stringify({ version: 3, deployment: { resources } }));
}

const access = () => ({ host: ci.circleCi.url, token: "right" });

async function gone(exported: Deployment, { token = "right", host = ci.circleCi.url } = {}): Promise<string[]> {
  const found = await findGone(circleCiResources(exported), () => ({ token, host }), ci.organizationId, signal);
  return found.gone.map((one) => one.urn.split("$circleci:index/")[1] ?? "");
}

const variables = ["TOKEN", "OTHER"].map((name) => `contextEnvironmentVariable:ContextEnvironmentVariable::${name}`);

describe("of a state, CircleCI is asked", () => {
  test("for all of it: nothing is gone", async () => {
    expect(await gone(state())).toEqual([]);
  });

  test("for a variable, which is gone alone", async () => {
    await ci.ask("DELETE", `/context/${context}/environment-variable/TOKEN`);
    expect(await gone(state())).toEqual([variables[0]]);
  });

  test("for a restriction, also after a refresh that has emptied it", async () => {
    await ci.ask("DELETE", `/context/${context}/restrictions/${restriction}`);
    const only = ["contextRestriction:ContextRestriction::shop"];
    expect(await gone(state())).toEqual(only);
    const emptied = { outputs: { id: "", contextId: "", value: "" } };
    expect(await gone(state({ "contextRestriction:ContextRestriction": emptied }))).toEqual(only);
  });

  test("for a context, with which all of it is gone", async () => {
    await ci.ask("DELETE", `/context/${context}`);
    expect(await gone(state())).toEqual([
      "context:Context::shop",
      "contextRestriction:ContextRestriction::shop",
      ...variables,
    ]);
  });

  test("for a trigger", async () => {
    const id = await ci.trigger("all-pushes");
    expect(await gone(state({ "trigger:Trigger": { id } }))).toEqual([]);
    await ci.ask("DELETE", `/projects/${ci.projectId}/triggers/${id}`);
    expect(await gone(state({ "trigger:Trigger": { id } }))).toEqual(["trigger:Trigger::shop"]);
  });

  test("for a project, with which its pipelines are gone, and not the context that is restricted to it", async () => {
    const id = "11111111-1111-4111-8111-111111111111";
    const slug = `${ci.slug.split("/").slice(0, 2).join("/")}/${id}`;
    const project = { projectId: id };
    expect(
      await gone(
        state({
          "project:Project": { id, outputs: { slug, organizationId: ci.organizationId } },
          "pipeline:Pipeline": { outputs: project },
          "trigger:Trigger": { outputs: project },
        }),
      ),
    ).toEqual(["project:Project::shop", "pipeline:Pipeline::shop", "trigger:Trigger::shop"]);
  });
});

describe("nothing is known", () => {
  test("with a wrong token", async () => {
    await expect(gone(state(), { token: "wrong" })).rejects.toThrow("does not accept the token (401)");
  });

  test("where CircleCI does not answer", async () => {
    await expect(gone(state(), { host: "http://127.0.0.1:9/api/v2" })).rejects.toThrow("127.0.0.1:9 cannot be reached");
  });

  test.each([403, 429, 500])("where it answers %i", async (status) => {
    const server = createServer((_request, response) => void response.writeHead(status).end("{}"));
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    await expect(gone(state(), { host: `http://127.0.0.1:${port}` })).rejects.toThrow(`answers ${status} for /`);
    server.close();
  });

  test("of an organization that the token's account cannot look into: CircleCI says 404 for all of it", async () => {
    const organizationId = "22222222-2222-4222-8222-222222222222";
    const foreign = { id: "33333333-3333-4333-8333-333333333333", outputs: { organizationId } };
    await expect(gone(state({ "context:Context": foreign }))).rejects.toThrow(
      `organization ${organizationId} cannot be looked into with the stack's circleciToken`,
    );
  });

  test("of a resource whose state does not say where it is", async () => {
    await expect(gone(state({ "trigger:Trigger": { outputs: {}, inputs: {} } }))).rejects.toThrow("has no projectId");
  });
});

test("a resource of a kind that is not asked for is left alone, and named", async () => {
  const webhook = { urn: urn("webhook:Webhook"), type: "circleci:index/webhook:Webhook", id: "w", outputs: {} };
  const exported = parseDeployment(JSON.stringify({ deployment: { resources: [webhook] } }));
  const found = await findGone(circleCiResources(exported), access, ci.organizationId, signal);
  expect([found.gone, found.unknown.map(({ id }) => id)]).toEqual([[], ["w"]]);
});

describe("what the state lacks", () => {
  const empty = parseDeployment('{"deployment":{}}');
  const contexts = [{ name: "shop-dev", suffix: "" }];
  const declared = () => ({ organizationId: ci.organizationId, project: "shop", contexts });

  test("is the context of the declared name", async () => {
    const build = await ci.context("shop-build", {});
    const all = [...contexts, { name: "shop-build", suffix: "-build" }, { name: "none", suffix: "-none" }];
    const orphans = (exported: Deployment) =>
      orphanContexts(access(), { ...declared(), contexts: all }, exported, signal);
    expect(await orphans(empty)).toMatchObject([
      { key: context, importId: `${ci.organizationId}/${context}`, suffix: "" },
      { key: build, suffix: "-build" },
    ]);
    expect(await orphans(state())).toMatchObject([{ key: build }]);
  });

  test("is what restricts a context, too, each kind by itself", async () => {
    const path = `/context/${context}/restrictions`;
    const expression = { restriction_type: "expression", restriction_value: "not job.ssh.enabled" };
    await ci.ask("POST", path, expression);
    const owners = [...(await orphanContexts(access(), declared(), empty, signal))];
    const project = await orphanProject(access(), declared(), ci.slug, empty, signal);
    const found = await orphanRestrictions(access(), declared(), empty, [project, ...owners], signal);
    expect(found).toMatchObject([
      { name: `to project ${ci.projectId}`, suffix: "", comesWith: context },
      { name: "to expression not job.ssh.enabled", suffix: "-expression", comesWith: context },
    ]);
    // Nobody knows which project it would be.
    expect(await orphanRestrictions(access(), declared(), empty, owners, signal)).toMatchObject([
      { suffix: "-expression" },
    ]);
  });

  test("is the project of a slug, if it is the declared one", async () => {
    expect(await orphanProject(access(), declared(), ci.slug, empty, signal)).toMatchObject({ importId: ci.slug });
  });

  const nowhere = "circleci/22222222-2222-4222-8222-222222222222/33333333-3333-4333-8333-333333333333";
  test.each<[string, object, string | undefined, "empty" | "full", string]>([
    ["another's name", { project: "cart" }, undefined, "empty", 'is "shop", and the stack declares "cart"'],
    ["another organization's", { organizationId: "o2" }, undefined, "empty", "an update would delete it"],
    ["no project of its own", { project: undefined }, undefined, "empty", "looks the project up"],
    ["one in the state", {}, undefined, "full", "the state has the project already"],
    ["none", {}, nowhere, "empty", "CircleCI has no such project"],
  ])("is no project: %s", async (_what, changes, slug, of, message) => {
    const exported = of === "empty" ? empty : state();
    await expect(
      orphanProject(access(), { ...declared(), ...changes }, slug ?? ci.slug, exported, signal),
    ).rejects.toThrow(message);
  });
});
