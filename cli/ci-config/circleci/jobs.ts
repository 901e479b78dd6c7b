import type { ParameterDeclarations } from "../../../circleci/parameters.ts";
import type { Job } from "../../../circleci/schema.ts";
import { jobBody, type JobValues } from "../job-steps.ts";
import type { Pipeline } from "../pipeline.ts";
import type { JobKind } from "../pipeline-job.ts";
import { handOver } from "../program-layout.ts";
import { plainExecutor } from "./executors.ts";
import { circleSteps } from "./steps.ts";

/** What a job tests or builds: a service, or several, each but the first after another `--service`. */
const service: ParameterDeclarations = { service: { type: "string" } };
const environment: ParameterDeclarations = { environment: { type: "string" } };
const executor: ParameterDeclarations = { executor: { type: "executor", default: plainExecutor } };
const ports: ParameterDeclarations = { ports: { type: "string", default: "" } };

/** The values of a job that is written once for many: CircleCI fills its parameters in. */
const parameters: JobValues = {
  name: "",
  services: "<< parameters.service >>",
  environment: "<< parameters.environment >>",
  commit: '"$CIRCLE_SHA1"',
  number: "<< pipeline.number >>",
  pullRequest: "<< pipeline.parameters.pull-request >>",
  digestsFile: "",
  takesDigests: "",
  prepared: "",
  archive: "<< parameters.archive >>",
  within: "<< parameters.within >>",
  command: "<< parameters.command >>",
  ports: "<< parameters.ports >>",
  options: "<< parameters.options >>",
  approved: "",
};

/**
 * What workflows are made of: each job is for one service or environment at a time.
 * @param shared whether a job may be for several services, which then gives it a name
 */
export function jobs(pipeline: Pipeline, shared: boolean): Record<string, Job> {
  const { first, promotions, services, testedOnly, layout } = pipeline;
  const asksPeople = promotions.some(({ approval }) => approval);
  const isPrepared = services.some(({ prepare }) => prepare !== undefined);
  // The archives that are unpacked before the build.
  const prepared: ParameterDeclarations = isPrepared ? { prepared: { type: "string", default: "" } } : {};
  const given: ParameterDeclarations = shared ? { ...service, job: { type: "string" } } : service;
  const nameOf = (kind: string): string => (shared ? "<< parameters.job >>" : `${kind}-<< parameters.service >>`);
  const job = (
    kind: Exclude<JobKind, "approval">,
    values: Partial<JobValues> = {},
    declared?: ParameterDeclarations,
  ): Job => {
    const { description, variables, steps } = jobBody(kind, { ...parameters, name: kind, ...values }, pipeline);
    return {
      ...(description === undefined ? {} : { description }),
      ...(declared === undefined ? {} : { parameters: declared }),
      executor: declared?.["executor"] === undefined ? plainExecutor : "<< parameters.executor >>",
      ...(variables === undefined ? {} : { environment: { ...variables } }),
      steps: circleSteps(steps, layout),
    };
  };
  const ofEnvironment = (kind: "release" | "propose" | "tag" | "publish-state" | "drift"): Job =>
    job(kind, { name: `${kind}-<< parameters.environment >>` }, environment);
  const archives = isPrepared ? "<< parameters.prepared >>" : "";
  return {
    test: job("test", { name: nameOf("test") }, { ...given, ...executor, ...ports }),
    ...(services.concat(testedOnly).some(({ testScript }) => testScript !== undefined)
      ? {
          "test-in-image": job(
            "test-in-image",
            { name: "test-<< parameters.tested >>" },
            { tested: { type: "string" }, command: { type: "string" }, ...executor, ...ports },
          ),
        }
      : {}),
    ...(isPrepared
      ? {
          "prepare-image": job(
            "prepare-image",
            { name: "prepare-<< parameters.archive >>" },
            { archive: { type: "string" }, within: { type: "string" }, command: { type: "string" }, ...executor },
          ),
        }
      : {}),
    build: job(
      "build",
      {
        name: nameOf("build"),
        prepared: archives,
        takesDigests: "<< parameters.based >>",
        digestsFile: `${shared ? "<< parameters.job >>" : "<< parameters.service >>"}.json`,
      },
      { ...given, based: { type: "boolean", default: false }, ...prepared },
    ),
    "build-only": job("build-only", { name: nameOf("build"), prepared: archives }, { ...given, ...prepared }),
    release: ofEnvironment("release"),
    ...([first, ...promotions].some(({ hasWindows }) => hasWindows === true)
      ? { "release-waiting": job("release-waiting", { name: "release-<< parameters.environment >>" }, environment) }
      : {}),
    ...([first, ...promotions].some(({ verifyWait }) => verifyWait !== undefined)
      ? {
          verify: job(
            "verify",
            { name: "verify-<< parameters.environment >>" },
            { ...environment, options: { type: "string" } },
          ),
        }
      : {}),
    ...(asksPeople ? { propose: ofEnvironment("propose") } : {}),
    ...(promotions.some(({ choices = [] }) => choices.length > 0)
      ? {
          decide: job(
            "decide",
            { name: "<< parameters.job >>" },
            { job: { type: "string" }, ...environment, options: { type: "string" } },
          ),
        }
      : {}),
    promote: job(
      "promote",
      { name: "promote-<< parameters.environment >>", approved: asksPeople ? "<< parameters.approved >>" : "" },
      {
        ...environment,
        options: { type: "string", default: "" },
        ...(asksPeople ? { approved: { type: "boolean", default: false } } : {}),
      },
    ),
    ...([first, ...promotions].some(({ hasVersions }) => hasVersions === true) ? { tag: ofEnvironment("tag") } : {}),
    "publish-state": ofEnvironment("publish-state"),
    preview: job("preview"),
    "preview-of-fork": job("preview-of-fork", { name: "preview" }),
    "preview-environment": job(
      "preview-environment",
      { takesDigests: "<< parameters.built >>" },
      { built: { type: "boolean", default: false } },
    ),
    "tidy-preview-environments": job("tidy-preview-environments"),
    drift: ofEnvironment("drift"),
    delivery: aggregateJob,
  };
}

/**
 * The one status that branch protection can require: it always reports, whatever the other jobs came to and however few
 * there are.
 */
export const aggregateJob: Job = {
  description: "Succeeds if all of `jobs` have, and there is no `problem`",
  parameters: { jobs: { type: "string", default: "" }, problem: { type: "string", default: "" } },
  executor: plainExecutor,
  environment: { JOBS: "<< parameters.jobs >>", PROBLEM: "<< parameters.problem >>" },
  steps: [
    { when: { condition: "<< parameters.jobs >>", steps: [{ attach_workspace: { at: handOver } }] } },
    {
      run: {
        name: "Add up",
        command: `failed=
for job in $JOBS; do
  [ -e ${handOver}/done/$job ] || failed="$failed $job"
done
if [ -n "$failed" ]; then
  echo "These jobs did not succeed:"
  printf '  %s\\n' $failed
fi
if [ -n "$PROBLEM" ]; then echo "$PROBLEM"; fi
[ -z "$failed$PROBLEM" ]
echo "All is well."`,
      },
    },
  ],
};
