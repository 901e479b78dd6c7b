import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Answer } from "../../../../../sandbox/providers/circleci/api.ts";
import { createCircleCiProvider } from "../../../../../sandbox/providers/circleci/provider.ts";
import { secret, unknown, type PropertyMap } from "../../../../../sandbox/providers/property.ts";
import type { ConfiguredProvider } from "../../../../../sandbox/providers/resource-provider.ts";
import { startCircleCi, type CircleCi } from "../../../../../sandbox/stand-ins/circleci/server.ts";

const provider = createCircleCiProvider({ retryDelays: [] });
let folder: string;
let circleCi: CircleCi;
let configured: ConfiguredProvider;
let organizationId: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "circleci-"));
  circleCi = await startCircleCi({ port: 0, stateFile: path.join(folder, "state.json"), token: "right" });
  configured = await provider.configure({ host: circleCi.url, key: secret("right") });
  const body = JSON.stringify({ name: "sandbox", vcs_type: "circleci" });
  const organization: unknown = await (
    await fetch(`${circleCi.url}/organization`, { method: "POST", headers: { "circle-token": "right" }, body })
  ).json();
  organizationId = new Answer(organization).text("id");
});

afterAll(async () => {
  await circleCi.close();
  rmSync(folder, { recursive: true });
});

function reference(kind: string, name = "x") {
  const type = `circleci:index/${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${kind}`;
  return { urn: `urn:pulumi:dev::app::${type}::${name}`, type, name };
}

async function checked(kind: string, news: PropertyMap, olds: PropertyMap = {}, name = "x"): Promise<PropertyMap> {
  const result = await configured.check({ ...reference(kind, name), olds, news, randomSeed: new Uint8Array([1]) });
  expect(result.failures).toBeUndefined();
  return result.inputs;
}

async function created(kind: string, news: PropertyMap) {
  const inputs = await checked(kind, news);
  return { inputs, ...(await configured.create({ ...reference(kind), inputs, preview: false, timeoutSeconds: 0 })) };
}

type Made = Awaited<ReturnType<typeof created>>;

async function differences(kind: string, made: Made, news: PropertyMap, ignoreChanges: string[] = []) {
  const { id, outputs: olds, inputs: oldInputs } = made;
  const result = await configured.diff({
    ...reference(kind),
    id,
    olds,
    oldInputs,
    news: await checked(kind, news, oldInputs),
    ignoreChanges,
  });
  return result.detailedDiff;
}

async function updated(
  kind: string,
  { id, outputs: olds, inputs: oldInputs }: Made,
  news: PropertyMap,
  preview = false,
) {
  return configured.update({
    ...reference(kind),
    id,
    olds,
    oldInputs,
    news: await checked(kind, news, oldInputs),
    ignoreChanges: [],
    preview,
    timeoutSeconds: 0,
  });
}

function readAgain(kind: string, { id, outputs: state, inputs }: Made) {
  return configured.read({ ...reference(kind), id, state, inputs });
}

function deleted(kind: string, { id, outputs: state, inputs: oldInputs }: Made) {
  return configured.delete({ ...reference(kind), id, state, oldInputs, timeoutSeconds: 0 });
}

let names = 0;
const unique = (name: string): string => `${name}-${(names += 1)}`;
const newProject = (settings: PropertyMap = {}) =>
  created("Project", { name: unique("project"), organizationId, ...settings });
const slugOf = (project: Made): string => new Answer(project.outputs).text("slug");
const newContext = () => created("Context", { name: unique("context"), organizationId });

test("project: created with what is set, everything else off, as the official provider sends it", async () => {
  const { id, outputs } = await newProject({ autoCancelBuilds: true });
  expect(outputs).toMatchObject({
    id,
    organizationId,
    organizationName: "sandbox",
    autoCancelBuilds: true,
    forksReceiveSecretEnvVars: false,
    setGithubStatus: false,
    setupWorkflows: false,
    prOnlyBranchOverrides: ["main"],
    slug: expect.stringMatching(/^circleci\/\w+\/\w+$/),
    vcsInfoProvider: "CircleCI",
  });
});

test("project: settings change in place, name and organization by replacement, and what is left out not at all", async () => {
  const made = await newProject({ disableSsh: true, prOnlyBranchOverrides: ["a", "b"] });
  const { name } = made.inputs;
  expect(await differences("Project", made, { name: name ?? "", organizationId })).toEqual({});
  expect(
    await differences("Project", made, { name: name ?? "", organizationId, prOnlyBranchOverrides: ["b", "a"] }),
  ).toEqual({});
  expect(await differences("Project", made, { name: name ?? "", organizationId, disableSsh: false })).toEqual({
    disableSsh: "update",
  });
  expect(await differences("Project", made, { name: "other", organizationId: unknown })).toEqual({
    name: "update-replace",
    organizationId: "update-replace",
  });
  expect(
    await differences("Project", made, { name: name ?? "", organizationId, disableSsh: false }, ["disableSsh"]),
  ).toEqual({});
  const after = await updated("Project", made, {
    name: name ?? "",
    organizationId,
    disableSsh: false,
    setGithubStatus: true,
  });
  expect(after).toMatchObject({
    id: made.id,
    disableSsh: false,
    setGithubStatus: true,
    prOnlyBranchOverrides: ["a", "b"],
  });
});

test("drift: what another changes is read, and is a difference to the program", async () => {
  const made = await newProject({ buildForkPrs: false });
  await fetch(`${circleCi.url}/project/${slugOf(made)}/settings`, {
    method: "PATCH",
    headers: { "circle-token": "right" },
    body: JSON.stringify({ advanced: { build_fork_prs: true, disable_ssh: true } }),
  });
  const found = await readAgain("Project", made);
  expect(found).toMatchObject({
    id: made.id,
    outputs: { buildForkPrs: true, disableSsh: true },
    inputs: { buildForkPrs: true },
  });
  // The program does not mention it, so it is not its to manage.
  expect(found?.inputs).not.toHaveProperty("disableSsh");
  const drifted = { ...made, outputs: found?.outputs ?? {} };
  expect(await differences("Project", drifted, made.inputs)).toEqual({ buildForkPrs: "update" });
});

test("preview: what the API decides is unknown, secrets stay secret, and no call is made", async () => {
  const offline = await provider.configure({ host: "http://127.0.0.1:9/api/v2", key: unknown });
  const inputs = await checked("ContextEnvironmentVariable", {
    contextId: unknown,
    name: "PASSWORD",
    value: secret("hunter2"),
  });
  const preview = { inputs, preview: true, timeoutSeconds: 0 };
  const variable = await offline.create({ ...reference("ContextEnvironmentVariable"), ...preview });
  expect(variable).toEqual({
    id: "",
    outputs: { contextId: unknown, name: "PASSWORD", value: secret("hunter2"), createdAt: unknown, updatedAt: unknown },
  });
  const context = await offline.create({ ...reference("Context"), ...preview, inputs: { name: "c", organizationId } });
  expect(context.outputs).toEqual({ id: unknown, name: "c", organizationId, createdAt: unknown });
  const trigger = await offline.create({
    ...reference("Trigger"),
    ...preview,
    inputs: { projectId: unknown, pipelineId: unknown, eventSourceProvider: "github_app" },
  });
  expect(trigger.outputs).toMatchObject({ disabled: false, eventSourceWebHookUrl: secret(unknown), id: unknown });
  expect(trigger.outputs).not.toHaveProperty("checkoutRef");
});

test("preview of an update: only what stays is known", async () => {
  const made = await newProject();
  const preview = await updated("Project", made, { ...made.inputs, disableSsh: true }, true);
  expect(preview).toMatchObject({ disableSsh: true, organizationId, slug: unknown, buildForkPrs: unknown });
});

test("context: its name and its variables' names are kept or replaced, and values are only ever sent", async () => {
  const context = await newContext();
  expect(await differences("Context", context, { name: "other", organizationId })).toEqual({ name: "update-replace" });
  const set = { contextId: context.id, name: "PASSWORD", value: "hunter2" };
  const variable = await created("ContextEnvironmentVariable", set);
  expect(variable.id).toBe("missing ID");
  expect(variable.outputs).toMatchObject({ contextId: context.id, name: "PASSWORD", value: secret("hunter2") });
  expect(await differences("ContextEnvironmentVariable", variable, set)).toEqual({});
  expect(await differences("ContextEnvironmentVariable", variable, { ...set, value: unknown })).toEqual({
    value: "update",
  });
  expect(await differences("ContextEnvironmentVariable", variable, { ...set, name: "OTHER" })).toEqual({
    name: "update-replace",
  });
  const after = await updated("ContextEnvironmentVariable", variable, { ...set, value: "changed" });
  expect(after).toMatchObject({ value: secret("changed"), createdAt: variable.outputs["createdAt"] ?? "" });
});

test("drift of a variable: a change shows in updatedAt only, and a deletion removes it", async () => {
  const context = await newContext();
  const variable = await created("ContextEnvironmentVariable", {
    contextId: context.id,
    name: "PASSWORD",
    value: "hunter2",
  });
  const url = `${circleCi.url}/context/${context.id}/environment-variable/PASSWORD`;
  await new Promise((resolve) => setTimeout(resolve, 5));
  await fetch(url, {
    method: "PUT",
    headers: { "circle-token": "right" },
    body: JSON.stringify({ value: "by another" }),
  });
  const found = await readAgain("ContextEnvironmentVariable", variable);
  expect(found).toMatchObject({
    id: "missing ID",
    outputs: { value: secret("hunter2") },
    inputs: { value: secret("hunter2") },
  });
  expect(found?.outputs["updatedAt"]).not.toBe(variable.outputs["updatedAt"]);
  await fetch(url, { method: "DELETE", headers: { "circle-token": "right" } });
  expect(await readAgain("ContextEnvironmentVariable", variable)).toBeUndefined();
});

test("restriction: every change is a replacement", async () => {
  const [project, context] = [await newProject(), await newContext()];
  const set = { contextId: context.id, type: "project", value: project.id };
  const restriction = await created("ContextRestriction", set);
  expect(restriction.outputs).toMatchObject({ ...set, projectId: project.id, name: project.inputs["name"] ?? "" });
  expect(await differences("ContextRestriction", restriction, { ...set, value: unknown })).toEqual({
    value: "update-replace",
  });
  await deleted("ContextRestriction", restriction);
  expect(await readAgain("ContextRestriction", restriction)).toBeUndefined();
});

test("project variable: the state keeps the value that the API masks", async () => {
  const project = await newProject();
  const variable = await created("ProjectEnvironmentVariable", {
    projectSlug: project.outputs["slug"] ?? "",
    name: "TOKEN",
    value: "abcdefgh1234",
  });
  expect((await readAgain("ProjectEnvironmentVariable", variable))?.outputs["value"]).toEqual(secret("abcdefgh1234"));
  expect(await differences("ProjectEnvironmentVariable", variable, { ...variable.inputs, value: "new" })).toEqual({
    value: "update-replace",
  });
  await deleted("ProjectEnvironmentVariable", variable);
  expect(await readAgain("ProjectEnvironmentVariable", variable)).toBeUndefined();
});

test("pipeline and trigger: created, changed in place, read, deleted", async () => {
  const project = await newProject();
  const sources = {
    configSourceProvider: "github_app",
    configSourceRepoExternalId: "1",
    checkoutSourceProvider: "github_app",
    checkoutSourceRepoExternalId: "1",
  };
  const pipeline = await created("Pipeline", {
    projectId: project.id,
    name: "push",
    description: "d",
    configSourceFilePath: ".circleci/config.yml",
    ...sources,
  });
  expect(await updated("Pipeline", pipeline, { ...pipeline.inputs, description: "e" })).toMatchObject({
    id: pipeline.id,
    description: "e",
  });

  const set = {
    projectId: project.id,
    pipelineId: pipeline.id,
    eventSourceProvider: "github_app",
    eventSourceRepoExternalId: "1",
    eventPreset: "all-pushes",
  };
  const trigger = await created("Trigger", set);
  expect(trigger.outputs).toMatchObject({ ...set, disabled: false, eventSourceWebHookUrl: secret("") });
  expect(await differences("Trigger", trigger, set)).toEqual({});
  expect(await updated("Trigger", trigger, { ...set, disabled: true }, true)).toMatchObject({
    id: trigger.id,
    disabled: true,
  });
  expect(await updated("Trigger", trigger, { ...set, disabled: true })).toMatchObject({
    id: trigger.id,
    disabled: true,
  });
  expect((await readAgain("Trigger", trigger))?.outputs).toMatchObject({ disabled: true, pipelineId: pipeline.id });
  await deleted("Trigger", trigger);
  expect(await readAgain("Trigger", trigger)).toBeUndefined();
});

test("trigger on a schedule: keeps the alias of its actor, and cleared parameters replace it", async () => {
  const project = await newProject();
  const sources = {
    configSourceProvider: "github_app",
    configSourceRepoExternalId: "1",
    checkoutSourceProvider: "github_app",
    checkoutSourceRepoExternalId: "1",
  };
  const pipeline = await created("Pipeline", {
    projectId: project.id,
    name: "night",
    description: "d",
    configSourceFilePath: "c.yml",
    ...sources,
  });
  const plain = {
    projectId: project.id,
    pipelineId: pipeline.id,
    eventSourceProvider: "schedule",
    eventName: "nightly",
    checkoutRef: "main",
    configRef: "main",
    eventSourceScheduleCronExpression: "0 3 * * *",
    eventSourceScheduleAttributionActor: "system",
  };
  const trigger = await created("Trigger", { ...plain, parameters: { deploy: true } });
  expect((await readAgain("Trigger", trigger))?.outputs).toMatchObject({
    eventSourceScheduleAttributionActor: "system",
    parameters: { deploy: true },
  });
  expect(await differences("Trigger", trigger, plain)).toEqual({ parameters: "delete-replace" });
  await expect(
    created("Trigger", {
      ...plain,
      eventSourceProvider: "webhook",
      eventSourceWebHookSender: "me",
      parameters: { a: 1 },
    }),
  ).rejects.toThrow("does not support parameters");
  await expect(
    created("Trigger", { projectId: project.id, pipelineId: pipeline.id, eventSourceProvider: "github_app" }),
  ).rejects.toThrow("needs eventPreset, eventSourceRepoExternalId");
});

test("import: by the ids that the official provider takes", async () => {
  const [project, context] = [await newProject(), await newContext()];
  await created("ContextEnvironmentVariable", { contextId: context.id, name: "PASSWORD", value: "hunter2" });
  const imported = (kind: string, id: string) => configured.read({ ...reference(kind), id, state: {}, inputs: {} });
  expect(await imported("Project", slugOf(project))).toMatchObject({
    id: project.id,
    inputs: { organizationId, buildForkPrs: false },
  });
  expect(await imported("Context", `${organizationId}/${context.id}`)).toMatchObject({
    id: context.id,
    inputs: context.inputs,
    outputs: context.outputs,
  });
  expect(await imported("ContextEnvironmentVariable", `${context.id}/PASSWORD`)).toMatchObject({
    inputs: { contextId: context.id, name: "PASSWORD" },
  });
  await expect(imported("Context", context.id)).rejects.toThrow("it must be organizationId/contextId");
});

test("lookups", async () => {
  const [project, context] = [await newProject(), await newContext()];
  const slug = slugOf(project);
  const look = async (name: string, args: PropertyMap) =>
    (await configured.invoke(`circleci:index/${name}:${name}`, args, false)).outputs;
  expect(await look("getOrganization", { id: organizationId })).toMatchObject({ name: "sandbox", vcsType: "circleci" });
  expect(await look("getProject", { slug })).toMatchObject({
    id: project.id,
    vcsInfo: { provider: "CircleCI", defaultBranch: "main" },
  });
  expect(await look("getProjectSettings", { slug })).toMatchObject({
    slug,
    oss: false,
    setGithubStatus: false,
    prOnlyBranchOverrides: ["main"],
  });
  expect(await look("getContext", { id: context.id })).toMatchObject({
    name: context.inputs["name"],
    restrictions: [{ name: "All members", type: "group" }],
  });
  expect(await configured.invoke("circleci:index/getProject:getProject", {}, false)).toMatchObject({
    failures: [{ property: "slug" }],
  });
  await expect(look("getContextEnvironmentVariable", { contextId: context.id, name: "NONE" })).rejects.toThrow(
    "has no variable NONE",
  );
});

test("names are given where the program gives none, and kept", async () => {
  const first = await checked("Context", { organizationId }, {}, "deploy");
  expect(first["name"]).toMatch(/^deploy-[0-9a-f]{7}$/);
  expect(await checked("Context", { organizationId }, first, "deploy")).toEqual(first);
});

test.each([
  ["Context", {}, "missing required property organizationId"],
  [
    "Context",
    { organizationId: 1 },
    "organizationId of circleci:index/context:Context must be a string, not of type number",
  ],
  ["Context", { organizationId: "o", nam: "x" }, "has no input nam"],
  ["Pipeline", { configSourceProvider: "gitlab" }, 'is "gitlab": must be github_app or github_server'],
  ["Trigger", { eventSourceScheduleCronExpression: "* * *" }, "must have five fields"],
  [
    "ContextEnvironmentVariable",
    { value: secret(["hunter2"]) },
    "value of circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable must be a string, not a list",
  ],
])("bad input: %s %j", async (kind, news: PropertyMap, reason) => {
  const result = await configured.check({ ...reference(kind), olds: {}, news, randomSeed: new Uint8Array() });
  expect(result.failures?.map((failure) => failure.reason).join("\n")).toContain(reason);
});

test("types and packages that are not served are refused by name", async () => {
  const webhook = reference("Webhook");
  await expect(configured.check({ ...webhook, olds: {}, news: {}, randomSeed: new Uint8Array() })).rejects.toThrow(
    /circleci:index\/webhook:Webhook is not served .* official plugin/,
  );
  await expect(configured.invoke("circleci:index/getWebhook:getWebhook", {}, false)).rejects.toThrow(
    "getWebhook is not served",
  );
  expect(() => provider.parameterize?.({ name: "random", version: "3.0.0" })).toThrow("not random 3.0.0");
  for (const version of ["0.4.2", "1.1.3"])
    expect(provider.parameterize?.({ name: "circleci", version })).toEqual({ name: "circleci", version: "0.4.2" });
});

test("refusals are passed on bare: a wrong, a missing and an unknown token, a host that does not answer", async () => {
  const project = await newProject();
  const attempt = async (settings: PropertyMap) => {
    const wrong = await provider.configure(settings);
    return wrong.read({ ...reference("Project"), id: project.id, state: project.outputs, inputs: {} });
  };
  await expect(attempt({ host: circleCi.url, key: secret("wrong") })).rejects.toThrow(
    `Could not read project ${slugOf(project)}, unexpected error: 401 Unauthorized: {"message":"Invalid token provided."}`,
  );
  await expect(attempt({ host: circleCi.url })).rejects.toThrow("has no key");
  await expect(attempt({ host: circleCi.url, key: unknown })).rejects.toThrow("key is not known yet");
  await expect(attempt({ host: "circleci", key: "k" })).rejects.toThrow("must be the API's base URL");
  const gone = await startCircleCi({ port: 0, stateFile: path.join(folder, "gone.json"), token: "right" });
  await gone.close();
  await expect(attempt({ host: gone.url, key: "k" })).rejects.toThrow(
    `unexpected error: GET ${gone.url}/project/${slugOf(project)} giving up after 1 attempt(s): connect ECONNREFUSED`,
  );
});

test("what is there cannot be made, and what is gone can be neither read nor deleted", async () => {
  const project = await newProject();
  const again = created("Project", { ...project.inputs });
  await expect(again).rejects.toThrow(
    `Could not create project ${JSON.stringify(project.inputs["name"])}, unexpected error: 409 Conflict: {"message":"A project with this name already exists`,
  );
  await deleted("Project", project);
  await expect(deleted("Project", project)).rejects.toThrow('404 Not Found: {"message":"Project not found."}');
  await expect(readAgain("Project", project)).rejects.toThrow('404 Not Found: {"message":"Project not found."}');
});

test("what is gone counts as deleted only where that is asked for", async () => {
  const kinder = await createCircleCiProvider({ retryDelays: [], goneIsDeleted: true }).configure({
    host: circleCi.url,
    key: secret("right"),
  });
  const context = await newContext();
  await deleted("Context", context);
  await expect(deleted("Context", context)).rejects.toThrow("404 Not Found");
  const { id, outputs: state, inputs: oldInputs } = context;
  await kinder.delete({ ...reference("Context"), id, state, oldInputs, timeoutSeconds: 0 });
});

test("a trigger of a repository that was updated differs for ever, unless three properties are ignored", async () => {
  const project = await newProject();
  const repository = { configSourceRepoExternalId: "1", checkoutSourceRepoExternalId: "1" };
  const pipeline = await created("Pipeline", {
    projectId: project.id,
    name: "push",
    description: "d",
    configSourceProvider: "github_app",
    checkoutSourceProvider: "github_app",
    configSourceFilePath: "c.yml",
    ...repository,
  });
  const set = {
    projectId: project.id,
    pipelineId: pipeline.id,
    eventSourceProvider: "github_app",
    eventSourceRepoExternalId: "1",
    eventPreset: "all-pushes",
  };
  const trigger = await created("Trigger", set);
  const outputs = await updated("Trigger", trigger, { ...set, disabled: true });
  const after = { ...trigger, outputs };
  const wanted = { ...set, disabled: true };
  expect(await differences("Trigger", after, wanted)).toEqual({ checkoutRef: "delete", configRef: "delete" });
  const ignored = ["checkoutRef", "configRef", "eventSourceScheduleAttributionActor"];
  expect(await differences("Trigger", after, wanted, ignored)).toEqual({});
});

test.each([
  ["POST", "fault", 500, 3],
  ["POST", "limit", 429, 3],
  ["POST", "refusal", 400, 1],
  ["POST", "absence", 501, 1],
])("%s: a %s (%d) is sent %d times in all", async (_method, _what, status, times) => {
  const requests: string[] = [];
  const failing = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.writeHead(status).end('{"message":"no"}');
  }).listen(0, "127.0.0.1");
  await once(failing, "listening");
  const address = failing.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const patient = await createCircleCiProvider({ retryDelays: [1, 1] }).configure({
    host: `http://127.0.0.1:${port}`,
    key: "k",
  });
  const inputs = { name: "c", organizationId: "o" };
  const creation = patient.create({ ...reference("Context"), inputs, preview: false, timeoutSeconds: 0 });
  await expect(creation).rejects.toThrow(times === 1 ? `${status} ` : "giving up after 3 attempt(s)");
  expect(requests).toEqual(Array.from({ length: times }, () => "POST /context"));
  failing.close();
});

test("a context's organization is a difference for ever: the update does nothing, without a word", async () => {
  const context = await newContext();
  const wanted = { ...context.inputs, organizationId: "3ddcf1d1-7f5f-4139-8cef-71ad0921a968" };
  expect(await updated("Context", context, wanted)).toEqual(context.outputs);
});

test("the provider's settings: the key is a secret, strangers are refused", async () => {
  const result = await provider.checkConfig?.({ host: "h", key: "k", nose: "n" });
  expect(result?.inputs["key"]).toEqual(secret("k"));
  expect(result?.failures).toMatchObject([{ property: "nose" }]);
  const change = async (news: PropertyMap, ignoreChanges: string[] = []) =>
    (
      await provider.diffConfig?.({
        ...reference("Project"),
        id: "",
        olds: {},
        oldInputs: { host: "h", key: secret("k"), version: "0.4.2" },
        news,
        ignoreChanges,
      })
    )?.detailedDiff;
  expect(await change({ host: "h", key: secret("k"), version: "1.1.3" })).toEqual({ version: "update" });
  expect(await change({ host: "h", key: secret("k"), version: "1.1.3" }, ["version"])).toEqual({});
  expect(await change({ host: "h", key: secret(unknown), version: "0.4.2" })).toEqual({ key: "update" });
  expect(await change({ key: secret("k"), version: "0.4.2" })).toEqual({ host: "update" });
});

test("a project whose settings are refused is made and not noted, but its slug is said", async () => {
  const project = {
    id: "i",
    name: "n",
    slug: "circleci/o/i",
    organization_id: "o",
    organization_name: "on",
    organization_slug: "circleci/o",
  };
  const refusing = createServer((request, response) => {
    response.writeHead(request.method === "POST" ? 201 : 403);
    response.end(JSON.stringify(request.method === "POST" ? project : { message: "Forbidden." }));
  }).listen(0, "127.0.0.1");
  await once(refusing, "listening");
  const address = refusing.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const elsewhere = await provider.configure({ host: `http://127.0.0.1:${port}`, key: "k" });
  const creation = elsewhere.create({
    ...reference("Project"),
    inputs: { name: "n", organizationId: "o" },
    preview: false,
    timeoutSeconds: 0,
  });
  await expect(creation).rejects.toThrow(
    /^Could not update recently created .*slug: circleci\/o\/i\n.*403 Forbidden: /s,
  );
  refusing.close();
  refusing.closeAllConnections();
});
