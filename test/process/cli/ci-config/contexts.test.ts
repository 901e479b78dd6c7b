import { afterEach, beforeEach, expect, test } from "vitest";
import { stringify } from "yaml";
import { contextExpression } from "../../../../circleci/context-expression.ts";
import type { CircleConfig } from "../../../../circleci/schema.ts";
import { continueConfiguration } from "../../../../cli/ci-config/circleci/configuration.ts";
import type { Pipeline, TriggerKind } from "../../../../cli/ci-config/pipeline.ts";
import { CircleCiHarness, ended } from "../../../support/circleci-harness.ts";
import { samplePipeline } from "../../../support/sample-pipeline.ts";

const shop: Pipeline = {
  ...samplePipeline,
  regenerate: "",
  pullLogin: true,
  promotions: [{ name: "prod", context: "shop-prod", pulls: false, from: "dev", approval: false }],
  services: [{ name: "link", serviceContainers: [] }],
  previewEnvironments: true,
};

let harness: CircleCiHarness;
beforeEach(async () => {
  harness = await CircleCiHarness.create();
  const restrict = async (name: string, delivered: boolean): Promise<void> => {
    const context = await harness.context(name, { TOKEN: `secret-of-${name}` });
    const use = { isOfApp: true, ...(delivered ? { delivered: { branch: "main" } } : {}) };
    for (const [type, value] of [
      ["project", harness.projectId],
      ["expression", contextExpression(use)],
    ])
      await harness.ask("POST", `/context/${context}/restrictions`, {
        restriction_type: type,
        restriction_value: value,
      });
  };
  for (const name of ["shop-build", "shop-dev", "shop-prod"]) await restrict(name, true);
  for (const name of ["shop-read", "shop-previews"]) await restrict(name, false);
});
afterEach(() => harness[Symbol.asyncDispose]());

/** The pipeline for a trigger, each of whose jobs says which of its secrets it has, and succeeds. */
function configuration(trigger: TriggerKind): string {
  const { jobs, workflows, executors } = continueConfiguration(shop, { trigger });
  const told = { run: { name: "Told", command: "env | sed -n 's/^TOKEN=secret-of-/it has /p' | tr a-z A-Z" } };
  const config: CircleConfig = {
    version: 2.1,
    executors,
    jobs: Object.fromEntries(Object.entries(jobs).map(([name, job]) => [name, { ...job, steps: [told] }])),
    workflows: Object.fromEntries(
      Object.entries(workflows).map(([name, { jobs: calls }]) => [name, { jobs: calls }] as const),
    ),
  };
  return stringify(config);
}

/** How the jobs of a pipeline end. */
async function statuses(trigger: TriggerKind, branch: string): Promise<Record<string, string>> {
  const [pipeline = ""] = await harness.push(configuration(trigger), { branch });
  await ended(harness, pipeline);
  return harness.jobStatuses(pipeline);
}

test("what is merged gets all that its jobs ask for, and so does the schedule", async () => {
  for (const trigger of ["deliver", "drift"] as const) {
    const ends = await statuses(trigger, "main");
    expect(Object.keys(ends).length).toBeGreaterThan(1);
    expect(new Set(Object.values(ends))).toEqual(new Set(["success"]));
  }
});

test("pull requests get what their jobs ask for, labelled or not", async () => {
  for (const trigger of ["review", "review-with-environment"] as const)
    expect(new Set(Object.values(await statuses(trigger, "feature")))).toEqual(new Set(["success"]));
});

test("a branch that runs what is for the delivered one gets nothing that pushes or releases", async () => {
  expect(await statuses("deliver", "feature")).toEqual({
    "test-link": "success",
    "build-link": "unauthorized",
    "release-dev": "not_run",
    "publish-state-dev": "not_run",
    "promote-prod": "not_run",
    "publish-state-prod": "not_run",
    "tidy-preview-environments": "not_run",
    delivery: "success",
  });
  expect(await statuses("drift", "feature")).toEqual({ "drift-dev": "unauthorized", "drift-prod": "unauthorized" });
});

test("a branch whose configuration asks for every context gets those of pull requests alone", async () => {
  const names = ["shop-build", "shop-read", "shop-previews", "shop-dev", "shop-prod"];
  const job = { docker: [{ image: "cimg/base:current" }], steps: [{ run: "env" }] };
  const asks = names.map((context) => ({ steal: { name: `steal-${context}`, context } }));
  const config = { version: 2.1, jobs: { steal: job }, workflows: { steal: { jobs: asks } } };
  const [pipeline = ""] = await harness.push(stringify(config), { branch: "feature" });
  await ended(harness, pipeline);
  expect(await harness.jobStatuses(pipeline)).toEqual({
    "steal-shop-build": "unauthorized",
    "steal-shop-read": "success",
    "steal-shop-previews": "success",
    "steal-shop-dev": "unauthorized",
    "steal-shop-prod": "unauthorized",
  });
});
