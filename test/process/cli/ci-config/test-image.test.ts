import { afterEach, beforeEach, expect, test } from "vitest";
import type { CircleConfig } from "../../../../circleci/schema.ts";
import { continueConfiguration } from "../../../../cli/ci-config/circleci/configuration.ts";
import { render } from "../../../../cli/ci-config/generated-files.ts";
import type { PipelineService } from "../../../../cli/ci-config/pipeline.ts";
import { withVariables } from "../../../../cli/ci-config/test-image.ts";
import { CircleCiHarness, ended } from "../../../support/circleci-harness.ts";

let harness: CircleCiHarness;
beforeEach(async () => {
  harness = await CircleCiHarness.create();
});
afterEach(() => harness[Symbol.asyncDispose]());

/** The generated jobs that test these services, each in an image of its own, and the one that adds them up. */
function configuration(scripts: Readonly<Record<string, string>>): string {
  const services = Object.entries(scripts).map(([name, script]): PipelineService => ({
    name,
    serviceContainers: [],
    testImage: "cimg/rust:1.80",
    testScript: withVariables({ GREETING: `it's ${name}` }, script),
  }));
  const { executors, commands, jobs, workflows } = continueConfiguration(
    {
      app: "shop",
      regenerate: "",
      image: "cimg/node:24.11",
      layout: { program: "." },
      appDirectory: "shop",
      first: { name: "dev", context: "shop-dev", pulls: true },
      contexts: { build: "shop-build", read: "shop-read", previews: "shop-previews" },
      pullLogin: false,
      promotions: [],
      services: [],
      testedOnly: services,
      releases: true,
      previews: false,
      previewEnvironments: false,
    },
    { trigger: "deliver" },
  );
  const generated: CircleConfig = {
    version: 2.1,
    executors,
    commands: { report: commands?.["report"] ?? { steps: [] } },
    jobs: Object.fromEntries(
      ["test-in-image", "delivery"].map((name) => [name, jobs[name] ?? { executor: "", steps: [] }]),
    ),
    workflows: { deliver: { jobs: workflows["deliver"]?.jobs ?? [] } },
  };
  return render(generated, "");
}

test("a command runs in the monorepo with its variables, without this program, and its result counts", async () => {
  const scripts = {
    good: 'cat <<E | sed "s/^/says /"\n$GREETING in $(basename "$PWD")\nE\ntest -f Cargo.toml && ! type delivery',
    bad: "false | cat\necho unreachable",
  };
  const [pipeline = ""] = await harness.push(configuration(scripts), { files: { "shop/Cargo.toml": "" } });
  expect([await ended(harness, pipeline), await harness.jobStatuses(pipeline)]).toEqual([
    "failed",
    { "test-good": "success", "test-bad": "failed", delivery: "failed" },
  ]);
  expect(await harness.log(pipeline, "test-good")).toContain("says it's good in shop\n");
  expect(await harness.log(pipeline, "test-bad")).not.toContain("unreachable\n");
  expect(await harness.log(pipeline, "delivery")).toContain("These jobs did not succeed:\n  test-bad");
});
