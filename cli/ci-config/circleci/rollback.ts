import type { CircleConfig } from "../../../circleci/schema.ts";
import type { Pipeline } from "../pipeline.ts";
import { withRegistry } from "../pipeline-jobs.ts";
import { run } from "../steps.ts";
import { executors, plainExecutor } from "./executors.ts";
import { prepareCommand, runStep } from "./steps.ts";

/**
 * `.circleci/rollback.yml`: what CircleCI's page of deploys starts when somebody chooses a version there. The environment decides
 * which workflow there is, and so which context its job has.
 * Source: https://circleci.com/docs/guides/deploy/set-up-rollbacks/
 */
export function rollbackConfiguration(pipeline: Pipeline): CircleConfig {
  const { executors: all } = executors({ ...pipeline, services: [], testedOnly: [] });
  const command = `delivery rollback --env << parameters.environment >> --service "$COMPONENT" \\
  --to-build "$VERSION" --reason "$REASON" --deploy-markers`;
  return {
    version: 2.1,
    executors: all,
    commands: { prepare: prepareCommand(pipeline.layout) },
    jobs: {
      rollback: {
        description: "Make a service run again what was chosen on CircleCI's page of deploys",
        parameters: { environment: { type: "string" } },
        executor: plainExecutor,
        // As variables, which no shell reads as a part of the command.
        environment: {
          COMPONENT: "<< pipeline.deploy.component_name >>",
          VERSION: "<< pipeline.deploy.target_version >>",
          REASON: "<< pipeline.deploy.reason >>",
        },
        steps: ["prepare", runStep(run("Roll back", command))],
      },
    },
    workflows: Object.fromEntries(
      [pipeline.first, ...pipeline.promotions].map((environment) => {
        const { name } = environment;
        const contexts = withRegistry(pipeline, environment);
        const context = contexts.length === 1 ? contexts[0] : contexts;
        return [
          `rollback-${name}`,
          {
            when: { equal: [name, "<< pipeline.deploy.environment_name >>"] },
            jobs: [{ rollback: { name: `rollback-${name}`, environment: name, context } }],
          },
        ];
      }),
    ),
  };
}
