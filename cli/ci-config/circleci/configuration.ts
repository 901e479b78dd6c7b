import { isWithinLimits } from "../../../circleci/limits.ts";
import type { ParameterDeclarations } from "../../../circleci/parameters.ts";
import type { CircleConfig, Workflow } from "../../../circleci/schema.ts";
import { triggerKinds, type Pipeline, type TriggerKind } from "../pipeline.ts";
import { happens, pipelineJobs } from "../pipeline-jobs.ts";
import { run as step } from "../steps.ts";
import { invocation, withAggregate, type CallArgs } from "./calls.ts";
import { executors, plainExecutor } from "./executors.ts";
import { aggregateJob, jobs } from "./jobs.ts";
import { prepareCommand, pulumiCommand, reportCommand, runStep } from "./steps.ts";

/** Whether a pipeline is for the branch of a pull request from a fork, as CircleCI calls it. */
const isOfFork = "pipeline.git.branch matches /^pull\\/[0-9]+$/";
/** A tag has no branch, and nothing is planned for it. */
const isOfBranch = "pipeline.git.branch matches /^.+$/";

/** `.circleci/config.yml`: finds out why it runs and what has changed, and continues with that part of the pipeline. */
export function setupConfiguration(pipeline: Pipeline): CircleConfig {
  return {
    version: 2.1,
    setup: true,
    parameters: scheduleParameters(pipeline),
    executors: {
      [plainExecutor]: executors({ ...pipeline, services: [], testedOnly: [] }).executors[plainExecutor] ?? {
        docker: [],
      },
    },
    commands: { prepare: prepareCommand(pipeline.layout) },
    jobs: {
      plan: {
        executor: plainExecutor,
        steps: [
          "prepare",
          runStep(
            step(
              "Go on with what has changed",
              [
                `${pipeline.regenerate} --continue`,
                // The base is empty for the first push of a branch.
                `  --from "<< pipeline.git.base_revision >>" --to "$CIRCLE_SHA1"`,
                `  --branch "$CIRCLE_BRANCH" --drift << pipeline.parameters.drift >>${
                  pipeline.resumes ? " \\\n  --resume << pipeline.parameters.resume >>" : ""
                }`,
              ].join(" \\\n"),
            ),
          ),
        ],
      },
    },
    workflows: {
      plan: {
        jobs: [
          { plan: { context: pipeline.contexts.read, filters: `${isOfBranch} and not (${isOfFork})` } },
          // For a fork, CircleCI does not run a job that has a context.
          { plan: { name: "plan-of-fork", filters: isOfFork } },
        ],
      },
    },
  };
}

/** What schedules set. Those that a configuration does not declare cannot be given to it. */
function scheduleParameters({ resumes }: Pick<Pipeline, "resumes">): ParameterDeclarations {
  const off = { type: "boolean", default: false } as const;
  return { drift: off, ...(resumes ? { resume: off } : {}) };
}

/** One trigger of the pipeline. */
interface PipelineRun {
  readonly trigger: TriggerKind;
  readonly problem?: string | undefined;
}

/**
 * `.circleci/continue_config.yml`: the pipeline itself. Each service has jobs of its own as long as CircleCI takes so many; from
 * there on services share jobs.
 * @param run why it runs, for which it has the one workflow. @default it has all of them
 */
export function continueConfiguration(pipeline: Pipeline, run?: PipelineRun): CircleConfig {
  const most = pipeline.services.length + pipeline.testedOnly.length;
  const divided = (perJob: number): CircleConfig => {
    const configuration = dividedConfiguration(pipeline, run, perJob);
    return perJob >= most || isWithinLimits(configuration) ? configuration : divided(perJob * 2);
  };
  return divided(1);
}

/** @param perJob how many services a job may test or build */
function dividedConfiguration(pipeline: Pipeline, run: PipelineRun | undefined, perJob: number): CircleConfig {
  const { executors: all, executorOf, preparing } = executors(pipeline);
  const chosen = run === undefined ? triggerKinds.filter((trigger) => happens(trigger, pipeline)) : [run.trigger];
  const workflow = (trigger: TriggerKind): Workflow => {
    const when = { equal: [trigger, "<< pipeline.parameters.trigger >>"] };
    const args: CallArgs = { pipeline, executorOf, preparing, shared: perJob > 1 };
    const planned = pipelineJobs(trigger, { pipeline, perJob, approvals: true });
    const call = (job: (typeof planned)[number]) => invocation(job, args);
    // What schedules ask for is about environments and not about a commit, so no status is reported on the commit.
    const isScheduled = trigger === "drift" || trigger === "resume";
    return { when, jobs: isScheduled ? planned.map(call) : withAggregate(planned, call, run?.problem) };
  };
  return {
    version: 2.1,
    parameters: {
      ...scheduleParameters(pipeline),
      trigger: {
        type: "enum",
        enum: triggerKinds.filter((kind) => kind !== "resume" || happens(kind, pipeline)),
        default: "deliver",
      },
      "pull-request": { type: "integer", default: 0 },
    },
    executors: all,
    commands: {
      prepare: prepareCommand(pipeline.layout),
      pulumi: pulumiCommand(pipeline.layout),
      report: reportCommand,
    },
    jobs: jobs(pipeline, perJob > 1),
    workflows: Object.fromEntries(chosen.map((trigger) => [trigger, workflow(trigger)])),
  };
}

/** What a pipeline continues with if nothing else can be planned: one job that says why. */
export function failedConfiguration(problem: string): CircleConfig {
  return {
    version: 2.1,
    parameters: { drift: { type: "boolean", default: false } },
    executors: { [plainExecutor]: { docker: [{ image: "cimg/base:current" }] } },
    jobs: { delivery: aggregateJob },
    workflows: { failed: { jobs: withAggregate([], () => "delivery", problem) } },
  };
}
