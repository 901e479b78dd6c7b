import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";
import { rollbackConfiguration } from "../../../../cli/ci-config/circleci/rollback.ts";
import type { Pipeline } from "../../../../cli/ci-config/pipeline.ts";
import { CircleCiHarness, ended } from "../../../support/circleci-harness.ts";
import { eventually } from "../../../support/eventually.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";

const shop: Pipeline = {
  ...samplePipeline,
  promotions: [{ name: "prod", context: "shop-prod", pulls: false, from: "dev", approval: false }],
  deployMarkers: true,
};

let harness: CircleCiHarness;
beforeEach(async () => {
  harness = await CircleCiHarness.create();
  for (const name of ["shop-build", "shop-dev", "shop-prod"])
    await harness.context(name, { TOKEN: `secret-of-${name}` });
  const repo = { provider: "github_app", repo: { external_id: "7" } };
  await harness.ask("POST", `/projects/${harness.projectId}/pipeline-definitions`, {
    name: "rollback",
    config_source: { ...repo, file_path: ".circleci/rollback.yml" },
    checkout_source: repo,
  });
});
afterEach(() => harness[Symbol.asyncDispose]());

/** The generated file, where the delivery CLI is a command that says how it is called, and lists what it does. */
function configuration(): string {
  const config = rollbackConfiguration(shop);
  const delivery = `cat >"$HOME/delivery" <<'END'
#!/bin/sh
printf '<%s>' "$@"
echo " $TOKEN" | tr a-z A-Z
circleci run release plan prod-link-rollback --component-name=link --target-version=1 --rollback
circleci run release update prod-link-rollback --status=SUCCESS
END
chmod +x "$HOME/delivery" && echo 'PATH="$HOME:$PATH"' >>"$BASH_ENV"`;
  return stringify({ ...config, commands: { prepare: { steps: [{ run: { name: "Prepare", command: delivery } }] } } });
}

async function rollBack(environment: string, reason: string): Promise<string> {
  const chosen = {
    component_name: "link",
    environment_name: environment,
    current_version: "2".repeat(40),
    target_version: "1".repeat(40),
    reason,
  };
  const answer = await harness.ask("POST", `/projects/${harness.projectId}/rollback`, chosen);
  return z.object({ id: z.string() }).parse(answer).id;
}

test("a version that is chosen among CircleCI's deploys is rolled back to, with the context of that environment alone", async () => {
  const nothing = { version: 2.1, jobs: {}, workflows: {} };
  await harness.push(stringify(nothing), { files: { ".circleci/rollback.yml": configuration() } });
  const reason = `it "loses" $(orders); \`more\``;
  const pipeline = await rollBack("prod", reason);
  expect(await ended(harness, pipeline)).toBe("success");
  expect(await harness.jobStatuses(pipeline)).toEqual({ "rollback-prod": "success" });
  const log = await harness.log(pipeline, "rollback-prod");
  const args = ["rollback", "--env", "prod", "--service", "link", "--to-build", "1".repeat(40), "--reason", reason];
  expect(log).toContain([...args, "--deploy-markers"].map((argument) => `<${argument}>`).join(""));
  // What a context holds is masked, but not in capitals.
  expect(log).toContain("SECRET-OF-SHOP-PROD");
  expect(log).toContain("deploy plan prod-link-rollback --component-name=link --target-version=1 --rollback");
  expect(log).toContain("deploy update prod-link-rollback --status=SUCCESS");
});

test("an environment that is none of the pipeline's has no job", async () => {
  await harness.push(stringify({ version: 2.1, jobs: {}, workflows: {} }), {
    files: { ".circleci/rollback.yml": configuration() },
  });
  const pipeline = await rollBack("elsewhere", "");
  await eventually("the configuration was read", async () => (await harness.pipeline(pipeline)).state === "created");
  expect(await harness.jobs(pipeline)).toEqual([]);
});
