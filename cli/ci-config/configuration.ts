import type { CircleConfig } from "./circleci-schema.ts";
import { executors, plainExecutor } from "./executors.ts";
import { prepareCommand, reportCommand, run } from "./job-steps.ts";
import { jobs } from "./jobs.ts";
import { occasions, type Occasion, type Pipeline } from "./pipeline.ts";
import { workflow } from "./workflows.ts";

/** `.circleci/config.yml`: finds out why it runs and what has changed, and goes on with that part of the pipeline. */
export function setupConfiguration(pipeline: Pipeline): CircleConfig {
  return {
    version: 2.1,
    setup: true,
    parameters: { drift: { type: "boolean", default: false } },
    executors: { [plainExecutor]: executors({ ...pipeline, services: [] }).executors[plainExecutor] ?? { docker: [] } },
    commands: { prepare: prepareCommand(pipeline.layout) },
    jobs: {
      plan: {
        executor: plainExecutor,
        environment: { BASE_REVISION: "<< pipeline.git.base_revision >>", DRIFT: "<< pipeline.parameters.drift >>" },
        steps: [
          "prepare",
          run(
            "Go on with what has changed",
            `${pipeline.regenerate} --continue --from "$BASE_REVISION" --to "$CIRCLE_SHA1" --branch "$CIRCLE_BRANCH" --drift "$DRIFT"`,
          ),
        ],
      },
    },
    workflows: { plan: { jobs: [{ plan: { context: pipeline.first.context } }] } },
  };
}

/** `.circleci/continue_config.yml`: the pipeline itself, for these occasions. */
export function continueConfiguration(pipeline: Pipeline, chosen: readonly Occasion[] = occasions): CircleConfig {
  const { executors: all, executorOf } = executors(pipeline);
  const possible = chosen.filter((occasion) => occasion !== "review-with-environment" || pipeline.previewEnvironments);
  return {
    version: 2.1,
    parameters: {
      drift: { type: "boolean", default: false },
      occasion: { type: "enum", enum: [...occasions], default: "deliver" },
      "pull-request": { type: "integer", default: 0 },
    },
    executors: all,
    commands: { prepare: prepareCommand(pipeline.layout), report: reportCommand },
    jobs: jobs(pipeline),
    workflows: Object.fromEntries(possible.map((occasion) => [occasion, workflow(occasion, { pipeline, executorOf })])),
  };
}
