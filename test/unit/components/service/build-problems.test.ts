import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findServices } from "../../../../components/service/find-services.ts";
import { problemLine } from "../../../../core/problem.ts";
import { ciProjectArgs, discoveryArgs } from "../../../../stacks/stage-args.ts";
import { loadSampleConfig, minimal, type Settings } from "../../../support/sample-config.ts";

const value = "the-token-of-npm-4711";
let app: string;
beforeEach(() => {
  app = relative(process.cwd(), mkdtempSync(join(tmpdir(), "build-secrets-")));
  mkdirSync(join(app, "svc/web"), { recursive: true });
  dockerfile("RUN --mount=type=secret,id=npm_token,required npm ci");
  says('build: { secrets: { npm_token: "npm-token" } }');
});
afterEach(() => rmSync(app, { recursive: true }));

function dockerfile(step: string): void {
  writeFileSync(join(app, "svc/web/Dockerfile"), `FROM node\n${step}\nEXPOSE 80\n`);
}

function says(text: string): void {
  writeFileSync(join(app, "svc/web/service.yaml"), `${text}\n`);
}

/** What is wrong with this app, and what CI's context of builds gets. @param images other settings of the stack's images */
async function read(
  secrets: Readonly<Record<string, string>> = {},
  changes: Settings = {},
): Promise<{ error: string; variables: Readonly<Record<string, string>> }> {
  const images = { ...Object(minimal["images"]), source: "registry", releases: app };
  const config = await loadSampleConfig({
    app: { name: "shop", directory: app },
    images,
    owns: { ciProject: true },
    secrets,
    ...changes,
  });
  const { services, problems } = findServices(discoveryArgs(config));
  return {
    error: problems.map(problemLine).join("\n"),
    variables: ciProjectArgs(config, undefined, services).shared.build,
  };
}

test("CI's context of builds holds what builds take", async () => {
  expect(await read({ "npm-token": value })).toEqual({
    error: "",
    variables: { DELIVERY_BUILD_SECRET_NPM_TOKEN: "npm-token" },
  });
});

test("builds have the context of the stack that owns the project, and another needs no such secret", async () => {
  expect(await read({}, { owns: { ciProject: false } })).toEqual({ error: "", variables: {} });
});

test("a secret that the stack does not have is refused where CI builds", async () => {
  const { error } = await read();
  expect(error).toContain(
    `${join(app, "svc/web/service.yaml")}: build.secrets.npm_token: the stack has no secret "npm-token"; set it with \`pulumi config set --secret --path 'secrets.npm-token'\``,
  );
});

test("this program cannot give a build a secret, and says who can", async () => {
  const { error } = await read({ "npm-token": value }, { images: minimal["images"] });
  expect(error).toMatch(
    /service\.yaml: build\.secrets\.npm_token: Pulumi's Docker provider gives builds no secrets.*set images\.source in .* to registry and let CI build/,
  );
});

test("a required secret that nobody gives is met before any build", async () => {
  says("replicas: 1");
  const { error } = await read();
  expect(error).toMatch(
    /Dockerfile: a step of web mounts the secret "npm_token", which is required, and nobody gives it; name a secret of the stack in `build\.secrets\.npm_token` of service\.yaml/,
  );
  dockerfile("RUN --mount=type=secret,id=npm_token npm ci");
  expect((await read()).error).toBe("");
});

test("two secrets of the stack whose variable would be the same are told apart by renaming one", async () => {
  dockerfile("RUN --mount=type=secret,id=a --mount=type=secret,id=b npm ci");
  says('build: { secrets: { a: "npm-token", b: npm.token } }');
  const { error } = await read({ "npm-token": value, "npm.token": "another" });
  expect(error).toContain(
    'secrets.npm.token: "npm.token" and "npm-token" are both taken by builds, and one variable of CI, DELIVERY_BUILD_SECRET_NPM_TOKEN, would hold both; rename one of them',
  );
});

test("of what all services would get, each gets what its Dockerfile mounts", async () => {
  says("replicas: 1");
  mkdirSync(join(app, "svc/mail"));
  writeFileSync(join(app, "svc/mail/Dockerfile"), "FROM scratch\nEXPOSE 80\n");
  const { error } = await read(
    { "npm-token": value },
    { defaults: { build: { secrets: { npm_token: "npm-token" } } } },
  );
  expect(error).toBe("");
});
