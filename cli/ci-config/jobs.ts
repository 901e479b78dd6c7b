import { aggregateJob } from "./aggregate-job.ts";
import type { Job } from "./circleci-schema.ts";
import type { ParameterDeclarations } from "./circleci-parameters.ts";
import { plainExecutor } from "./executors.ts";
import { installPulumi, run } from "./job-steps.ts";
import type { Pipeline } from "./pipeline.ts";
import { handOver } from "./program-layout.ts";

const service: ParameterDeclarations = { service: { type: "string" } };
const environment: ParameterDeclarations = { environment: { type: "string" } };
const attachWorkspace = { attach_workspace: { at: handOver } };
const remoteDocker = { setup_remote_docker: { docker_layer_caching: true } };
const digests = `"$PWD/${handOver}/digests"`;

/** What workflows are made of: each job is for one service or environment at a time. */
export function jobs({ first, promotions }: Pipeline): Record<string, Job> {
  const others = promotions.map(({ name }) => ` --safe-stack ${name}`).join("");
  const previewOf = (stacks: string): string =>
    `delivery preview${stacks} --pull-request << pipeline.parameters.pull-request >>`;
  return {
    test: {
      parameters: { ...service, executor: { type: "executor", default: plainExecutor } },
      executor: "<< parameters.executor >>",
      steps: [
        "prepare",
        run("Test", "delivery test --service << parameters.service >>"),
        { report: { job: "test-<< parameters.service >>" } },
      ],
    },
    build: {
      description: "Build and push an image, and hand its digest over",
      parameters: service,
      executor: plainExecutor,
      steps: [
        "prepare",
        remoteDocker,
        run(
          "Build and push",
          `mkdir -p ${handOver}/digests
delivery build --service << parameters.service >> --digests ${digests}/<< parameters.service >>.json`,
        ),
        { persist_to_workspace: { root: handOver, paths: ["digests/<< parameters.service >>.json"] } },
        { report: { job: "build-<< parameters.service >>" } },
      ],
    },
    "build-only": {
      description: "Build an image and do not push it, which needs no credentials",
      parameters: service,
      executor: plainExecutor,
      steps: [
        "prepare",
        remoteDocker,
        run("Build", "delivery build --service << parameters.service >> --no-push"),
        { report: { job: "build-<< parameters.service >>" } },
      ],
    },
    release: {
      description: "Make an environment run the digests that were built",
      parameters: environment,
      executor: plainExecutor,
      steps: [
        "prepare",
        attachWorkspace,
        run(
          "Release",
          `delivery release --env << parameters.environment >> --digests ${digests} --source-commit "$CIRCLE_SHA1"`,
        ),
        run("Publish the state for previews of forks", "delivery publish-state --env << parameters.environment >>"),
        { report: { job: "release-<< parameters.environment >>" } },
      ],
    },
    promote: {
      description: "Make an environment run what was good in the one before it",
      parameters: { from: { type: "string" }, ...environment },
      executor: plainExecutor,
      steps: [
        "prepare",
        run("Promote", "delivery promote --from << parameters.from >> --to << parameters.environment >>"),
        { report: { job: "promote-<< parameters.environment >>" } },
      ],
    },
    preview: {
      description: "Say in the pull request what it changes",
      executor: plainExecutor,
      steps: [
        "prepare",
        installPulumi,
        run("Preview", previewOf(` --stack ${first.name}${others}`)),
        { report: { job: "preview" } },
      ],
    },
    "preview-of-fork": {
      description: "The same without any credentials",
      executor: plainExecutor,
      steps: [
        "prepare",
        installPulumi,
        run("Preview", previewOf(` --safe-stack ${first.name}${others}`)),
        { report: { job: "preview" } },
      ],
    },
    "preview-environment": {
      description: "Give the pull request an environment of its own",
      executor: plainExecutor,
      steps: [
        "prepare",
        attachWorkspace,
        run(
          "Preview environment",
          `delivery preview-environment --env ${first.name} --pull-request << pipeline.parameters.pull-request >> --digests ${digests}`,
        ),
        { report: { job: "preview-environment" } },
      ],
    },
    drift: {
      description: "Compare what is declared with what is there",
      parameters: environment,
      executor: plainExecutor,
      steps: ["prepare", installPulumi, run("Drift", "delivery drift --env << parameters.environment >>")],
    },
    delivery: aggregateJob,
  };
}
