import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findServices } from "../../../components/service/find-services.ts";
import { problemLine } from "../../../core/problem.ts";
import { discoveryArgs } from "../../../stacks/stage-args.ts";
import { loadSampleConfig, minimal } from "../../support/sample-config.ts";
import { keyPair } from "../../support/signing.ts";

let app: string;

beforeEach(() => {
  app = mkdtempSync(join(tmpdir(), "pipeline-secrets-"));
  mkdirSync(join(app, "svc/web"), { recursive: true });
  writeFileSync(join(app, "svc/web/Dockerfile"), "FROM node\nRUN --mount=type=secret,id=token npm ci\nEXPOSE 80\n");
});
afterEach(() => rmSync(app, { recursive: true }));

const keys = keyPair();

/** What is wrong where a service says this of its secrets. */
async function problems(said: string): Promise<string> {
  writeFileSync(join(app, "svc/web/service.yaml"), `${said}\n`);
  const config = await loadSampleConfig({
    app: { name: "shop", directory: app },
    images: {
      ...Object(minimal["images"]),
      source: "registry",
      releases: app,
      signing: { secret: "image-key", publicKeys: [keys.publicPem] },
    },
    ci: {
      ...Object(minimal["ci"]),
      environment: { DELIVERY_GIT_TOKEN: "deploy-token", PULUMI_ACCESS_TOKEN: "state-token", SENTRY_TOKEN: "sentry" },
      contexts: { read: { DELIVERY_GITHUB_TOKEN: "github-token" } },
    },
    owns: { ciProject: true },
    secrets: {
      "image-key": keys.privatePem,
      "deploy-token": "1",
      "state-token": "2",
      "github-token": "3",
      sentry: "4",
      "npm-token": "5",
    },
  });
  return findServices(discoveryArgs(config)).problems.map(problemLine).join("\n");
}

test.each([
  ["secrets: { TOKEN: deploy-token }", "secrets.TOKEN", "deploy-token", "ci.environment.DELIVERY_GIT_TOKEN"],
  ["secrets: { TOKEN: state-token }", "secrets.TOKEN", "state-token", "ci.environment.PULUMI_ACCESS_TOKEN"],
  ["secrets: { TOKEN: github-token }", "secrets.TOKEN", "github-token", "ci.contexts.read.DELIVERY_GITHUB_TOKEN"],
  ["files: { /key: { secret: image-key } }", "files./key.secret", "image-key", "images.signing.secret"],
  ["build: { secrets: { token: image-key } }", "build.secrets.token", "image-key", "images.signing.secret"],
  ["build: { secrets: { token: deploy-token } }", "build.secrets.token", "deploy-token", "ci.environment."],
])("a service gets nothing that the pipeline logs in or signs with: %s", async (said, key, secret, holder) => {
  const found = await problems(said);
  expect(found).toContain(
    `service.yaml: ${key}: "${secret}" is what the pipeline itself logs in or signs with (${holder}`,
  );
  expect(found).toContain("give web a secret of its own");
});

test("what a context holds for tools of the team's own, services may have, too", async () => {
  expect(await problems("secrets: { SENTRY: sentry }\nbuild: { secrets: { token: npm-token } }")).toBe("");
});
