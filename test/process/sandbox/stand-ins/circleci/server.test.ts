import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { masked } from "../../../../../sandbox/stand-ins/circleci/api/variables.ts";
import { startCircleCi, type CircleCi } from "../../../../../sandbox/stand-ins/circleci/server.ts";
import { base58 } from "../../../../../sandbox/stand-ins/circleci/state.ts";

const unknownId = "00000000-0000-4000-8000-000000000000";
let folder: string;
let stateFile: string;
let circleCi: CircleCi;
let organization: string;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "circleci-"));
  stateFile = path.join(folder, "state.json");
  circleCi = await startCircleCi({ port: 0, stateFile, token: "right" });
  organization = (await made("/organization", { name: "sandbox", vcs_type: "circleci" })).id;
});

afterEach(async () => {
  await circleCi.close();
  rmSync(folder, { recursive: true });
});

type Members = Record<string, unknown>;

async function ask(
  method: string,
  route: string,
  body?: unknown,
  headers: Record<string, string> = { "circle-token": "right" },
) {
  const answer = await fetch(`${circleCi.url}${route}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  // Every answer of the API is a JSON object or a list of them; the assertions say which members it has.
  return { status: answer.status, body: (await answer.json()) as Members };
}

async function made(route: string, body: unknown): Promise<Members & { id: string }> {
  const answer = await ask("POST", route, body);
  expect([200, 201]).toContain(answer.status);
  // What is created has an id.
  return answer.body as Members & { id: string };
}

const createProject = (name = "delinkcious") => made(`/organization/${organization}/project`, { name });
const createContext = (name = "delinkcious-dev") =>
  made("/context", { name, owner: { id: organization, type: "organization" } });

async function items(route: string): Promise<unknown> {
  return (await ask("GET", route)).body["items"];
}

test("slugs are the ids of standalone organizations and projects in base58", () => {
  expect(base58("3ddcf1d1-7f5f-4139-8cef-71ad0921a968")).toBe("8e4z1Akd74woxagxnvLT5q");
  expect(base58("00000000-0000-0000-0000-000000000001")).toBe("1111111111111112");
});

test.each([
  ["no token", {}, "You must log in first."],
  ["a wrong token", { "circle-token": "wrong" }, "Invalid token provided."],
  ["a wrong user of basic authentication", { authorization: `Basic ${btoa("wrong:")}` }, "Invalid token provided."],
])("%s is 401", async (_what, headers, message) => {
  expect(await ask("GET", "/me", undefined, headers)).toEqual({ status: 401, body: { message } });
});

test("the token is taken as the user of basic authentication too", async () => {
  expect((await ask("GET", "/me", undefined, { authorization: `Basic ${btoa("right:")}` })).status).toBe(200);
});

test("the account has its user and its organization", async () => {
  expect((await ask("GET", "/me")).body).toMatchObject({ login: "sandbox", id: expect.any(String) });
  const slug = `circleci/${base58(organization)}`;
  expect((await ask("GET", `/organization/${organization}`)).body).toEqual({
    id: organization,
    name: "sandbox",
    slug,
    vcs_type: "circleci",
  });
  expect((await ask("GET", "/me/collaborations")).body).toMatchObject([{ slug }]);
});

test("a project is created, found by its slug, configured and deleted", async () => {
  const project = await createProject();
  const slug = String(project["slug"]);
  expect(slug).toBe(`circleci/${base58(organization)}/${base58(project.id)}`);
  expect(project).toMatchObject({
    name: "delinkcious",
    organization_id: organization,
    organization_name: "sandbox",
    vcs_info: { provider: "CircleCI", default_branch: "main" },
  });
  expect((await ask("GET", `/project/${slug}`)).body).toEqual(project);
  expect((await ask("GET", `/project/${encodeURIComponent(slug)}`)).body).toEqual(project);
  expect((await ask("GET", `/project/circleci/${organization}/${project.id}`)).body).toEqual(project);

  const before = (await ask("GET", `/project/${slug}/settings`)).body["advanced"];
  const after = await ask("PATCH", `/project/${slug}/settings`, {
    advanced: { build_fork_prs: true, oss: true, pr_only_branch_overrides: ["main", "next"] },
  });
  expect(after.body["advanced"]).toEqual({
    ...(before as Members),
    build_fork_prs: true,
    oss: false,
    pr_only_branch_overrides: ["main", "next"],
  });

  expect(await ask("DELETE", `/project/${slug}`)).toEqual({ status: 200, body: { message: "Project deleted." } });
  expect(await ask("GET", `/project/${slug}`)).toEqual({ status: 404, body: { message: "Project not found." } });
});

test("a project's variables are masked, overwritten and deleted", async () => {
  const { slug } = await createProject();
  const route = `/project/${String(slug)}/envvar`;
  expect(await ask("POST", route, { name: "TOKEN", value: "abcdefgh1234" })).toMatchObject({
    status: 201,
    body: { name: "TOKEN", value: "xxxx1234" },
  });
  expect((await ask("POST", route, { name: "TOKEN", value: "abcdefgh5678" })).body["value"]).toBe("xxxx5678");
  expect((await ask("GET", `${route}/TOKEN`)).body).toMatchObject({
    name: "TOKEN",
    value: "xxxx5678",
    "created-at": expect.stringMatching(/Z$/),
  });
  expect(await items(route)).toHaveLength(1);
  expect((await ask("DELETE", `${route}/TOKEN`)).status).toBe(200);
  expect((await ask("GET", `${route}/TOKEN`)).status).toBe(404);
});

test("a mask never tells more than half of a value", () => {
  expect(["", "a", "ab", "abcd", "abcdefgh", "abcdefghijkl"].map(masked)).toEqual([
    "xxxx",
    "xxxx",
    "xxxxb",
    "xxxxcd",
    "xxxxefgh",
    "xxxxijkl",
  ]);
});

test("a context holds variables whose values no answer carries", async () => {
  const { id } = await createContext();
  const route = `/context/${id}/environment-variable`;
  const first = await ask("PUT", `${route}/PASSWORD`, { value: "hunter2hunter2" });
  expect(first).toEqual({
    status: 200,
    body: { variable: "PASSWORD", context_id: id, created_at: expect.any(String), updated_at: expect.any(String) },
  });
  const second = await ask("PUT", `${route}/PASSWORD`, { value: "another-secret" });
  expect(second.body["created_at"]).toBe(first.body["created_at"]);
  expect(JSON.stringify([await ask("GET", route), await ask("GET", `/context/${id}`)])).not.toMatch(/hunter2|another/);
  expect((await ask("DELETE", `${route}/PASSWORD`)).status).toBe(200);
  expect(await items(route)).toEqual([]);
});

test("a context is listed by its owner, in pages, and deleted", async () => {
  const contexts = await Promise.all(Array.from({ length: 23 }, (_, index) => createContext(`context-${index}`)));
  const list = `/context?owner-slug=circleci/${base58(organization)}`;
  const first = await ask("GET", `${list}&page-token=`);
  expect(first.body["items"]).toHaveLength(20);
  const second = await ask("GET", `${list}&page-token=${String(first.body["next_page_token"])}`);
  expect(second.body).toMatchObject({ next_page_token: null });
  expect(second.body["items"]).toHaveLength(3);
  expect((await ask("DELETE", `/context/${contexts[0]?.id}`)).body).toEqual({ message: "Context deleted." });
  expect(await ask("GET", `/context/${contexts[0]?.id}`)).toEqual({
    status: 404,
    body: { message: "Context not found." },
  });
});

test("a context is open to all members until it is restricted", async () => {
  const [project, context] = [await createProject(), await createContext()];
  const route = `/context/${context.id}/restrictions`;
  expect(await items(route)).toMatchObject([
    { name: "All members", restriction_type: "group", restriction_value: organization },
  ]);
  const restriction = await ask("POST", route, { restriction_type: "project", restriction_value: project.id });
  expect(restriction).toMatchObject({
    status: 201,
    body: { name: "delinkcious", project_id: project.id, restriction_type: "project", restriction_value: project.id },
  });
  expect((await ask("POST", route, { project_id: project.id })).status).toBe(409);
  expect(await items(route)).toHaveLength(2);
  expect((await ask("DELETE", `${route}/${String(restriction.body["id"])}`)).body).toEqual({
    message: "Context restriction deleted.",
  });
});

test("a pipeline definition and its triggers", async () => {
  const { id } = await createProject();
  const source = { provider: "github_app", repo: { external_id: "952038793" } };
  const body = {
    name: "push",
    description: "d",
    config_source: { ...source, file_path: ".circleci/config.yml" },
    checkout_source: source,
  };
  const definition = await made(`/projects/${id}/pipeline-definitions`, body);
  expect(definition).toMatchObject(body);
  const triggers = `/projects/${id}/pipeline-definitions/${definition.id}/triggers`;
  const push = await made(triggers, { event_source: source, event_preset: "all-pushes" });
  expect(push).toMatchObject({ event_preset: "all-pushes", event_source: source, disabled: false });
  expect(
    (await ask("PATCH", `/projects/${id}/triggers/${push.id}`, { disabled: true, event_source: source })).body,
  ).toMatchObject({ disabled: true });

  const schedule = { cron_expression: "0 3 * * 1-5", attribution_actor: "system" };
  const refs = { event_name: "nightly", checkout_ref: "main", config_ref: "main" };
  const nightly = await made(triggers, {
    ...refs,
    event_source: { provider: "schedule", schedule },
    parameters: { deploy: true, retries: 3 },
  });
  expect(nightly).toMatchObject({
    parameters: { deploy: true, retries: 3 },
    event_source: { schedule: { attribution_actor: { login: "system-actor" } } },
  });

  const hook = await made(triggers, {
    ...refs,
    event_source: { provider: "webhook", webhook: { sender: "registry" } },
  });
  expect(JSON.stringify(hook)).toMatch(/secret=[0-9a-f-]{36}/);
  expect(JSON.stringify(await ask("GET", `/projects/${id}/triggers/${hook.id}`))).toContain("secret=**********");
  expect(await items(triggers)).toHaveLength(3);

  await ask("DELETE", `/projects/${id}/pipeline-definitions/${definition.id}`);
  expect((await ask("GET", `/projects/${id}/triggers/${hook.id}`)).status).toBe(404);
});

test.each([
  ["GET", "/nowhere", undefined, 404, "Not found."],
  ["PATCH", "/context", {}, 405, "Method not allowed."],
  ["POST", "/context", "{", 400, "The request body is not valid JSON."],
  ["POST", "/context", [], 400, "The request body must be a JSON object."],
  ["POST", "/context", { name: 1 }, 400, "name: must be a string."],
  ["POST", "/context", { name: "c", owner: { type: "organization" } }, 400, "owner.slug: must be a non-empty string."],
  [
    "POST",
    "/context",
    { name: "c", owner: { id: unknownId } },
    404,
    "The requested owner does not exist or you don't have permission to list its contexts.",
  ],
  ["GET", "/context/not-a-uuid", undefined, 400, "context_id is invalid."],
  ["GET", `/context/${unknownId}`, undefined, 404, "Context not found."],
  ["GET", `/organization/${unknownId}`, undefined, 404, "Organization not found."],
  [
    "POST",
    "/organization",
    { name: "o", vcs_type: "svn" },
    400,
    "vcs_type: must be one of circleci, github, bitbucket.",
  ],
  [
    "POST",
    "/organization",
    { name: "sandbox", vcs_type: "circleci" },
    409,
    "An organization with this name already exists.",
  ],
  ["GET", "/project/gh/org/repo", undefined, 404, "Organization not found."],
  ["GET", `/projects/${unknownId}/pipeline-definitions`, undefined, 404, "Project not found."],
  ["GET", "/project/%E0%A4%A/b/c", undefined, 400, "The path is not valid URL encoding."],
])("%s %s with %j is %i", async (method, route, body, status, message) => {
  expect(await ask(method, route, body)).toEqual({ status, body: { message } });
});

test("names that are taken are 409, values that are impossible 400", async () => {
  const [project, context] = [await createProject(), await createContext()];
  const slug = String(project["slug"]);
  expect(await ask("POST", `/organization/${organization}/project`, { name: "delinkcious" })).toEqual({
    status: 409,
    body: { message: "A project with this name already exists" },
  });
  expect(await ask("POST", "/context", { name: "delinkcious-dev", owner: { id: organization } })).toEqual({
    status: 409,
    body: { message: "A context already exists with this name" },
  });
  expect((await ask("PUT", `/context/${context.id}/environment-variable/1X`, { value: "v" })).status).toBe(400);
  expect((await ask("PUT", `/context/${context.id}/environment-variable/X`, { value: "" })).status).toBe(400);
  expect((await ask("PATCH", `/project/${slug}/settings`, { advanced: { unheard_of: true } })).status).toBe(400);
  expect((await ask("PATCH", `/project/${slug}/settings`, { advanced: { disable_ssh: "yes" } })).status).toBe(400);
  expect(
    (
      await ask("POST", `/context/${context.id}/restrictions`, {
        restriction_type: "project",
        restriction_value: unknownId,
      })
    ).status,
  ).toBe(404);
});

test("a restart keeps the state, in a file that only its owner may read", async () => {
  const context = await createContext();
  await ask("PUT", `/context/${context.id}/environment-variable/PASSWORD`, { value: "hunter2" });
  expect(statSync(stateFile).mode & 0o777).toBe(0o600);
  await circleCi.close();
  circleCi = await startCircleCi({ port: 0, stateFile, token: "right" });
  expect((await ask("GET", `/context/${context.id}`)).body).toEqual(context);
  expect(readFileSync(stateFile, "utf8")).toContain("hunter2");
});

test("a taken port and a foreign state file are refused", async () => {
  await expect(startCircleCi({ port: circleCi.port, stateFile, token: "right" })).rejects.toThrow(
    `port ${circleCi.port} on 127.0.0.1 is taken`,
  );
  writeFileSync(stateFile, "{}");
  await expect(startCircleCi({ port: 0, stateFile, token: "right" })).rejects.toThrow(
    "reads state of version 1, not undefined",
  );
});

test("the process takes its token from a file, and stops at SIGTERM", async () => {
  const tokenFile = path.join(folder, "token");
  writeFileSync(tokenFile, "from-file\n");
  const main = path.join(import.meta.dirname, "../../../../../sandbox/stand-ins/circleci/main.ts");
  const child = spawn(process.execPath, [
    main,
    "--port",
    "0",
    "--state",
    path.join(folder, "own.json"),
    "--token-file",
    tokenFile,
  ]);
  const [line] = await once(child.stdout, "data");
  const url = /http:\S+/.exec(String(line))?.[0] ?? "";
  expect((await fetch(`${url}/me`, { headers: { "circle-token": "from-file" } })).status).toBe(200);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});
