import { quoteForShell } from "../../../core/shell.ts";
import { jobBody, jobValues, type RunValues } from "../job-steps.ts";
import { triggerKinds, type Pipeline, type TriggerKind } from "../pipeline.ts";
import type { PipelineJob } from "../pipeline-job.ts";
import { happens, pipelineJobs } from "../pipeline-jobs.ts";
import { handOver } from "../program-layout.ts";
import { run, type JobStep } from "../steps.ts";
import { handedOver, jobScript, workspaceDirectory } from "./job-script.ts";
import type { TravisConfig, TravisJob } from "./schema.ts";

/** Of a pull request Travis tests what a merge would make, which is no commit of anybody's. */
const runValues: RunValues = {
  commit: '"${TRAVIS_PULL_REQUEST_SHA:-$TRAVIS_COMMIT}"',
  number: '"$TRAVIS_BUILD_NUMBER"',
  pullRequest: '"$TRAVIS_PULL_REQUEST"',
};

const planStage = "Plan";
const planWorkspace = "plan";

/** One Travis job is one of the pipeline's, as they are: each service has its own. */
export const runArgs = { perJob: 1, approvals: false } as const;

/** How a job is called where it is said what a build is to do. */
export function planLine({ kind, name }: Pick<PipelineJob, "kind" | "name">): string {
  return `${kind} ${name}`;
}

/**
 * `.travis.yml`: the jobs for all that may have changed, each of which ends at once if it is not in the plan that the first job
 * makes: Travis knows a build's jobs before it starts, and no condition of its can ask what has changed.
 */
export function travisConfiguration(pipeline: Pipeline, deliveredBranch: string): TravisConfig {
  const branch = JSON.stringify(deliveredBranch);
  const conditions: Readonly<Record<TriggerKind, string>> = {
    deliver: `type = push AND branch = ${branch}`,
    review: "type = pull_request AND head_repo = repo",
    "review-with-environment": "type = pull_request AND head_repo = repo",
    "review-of-fork": "type = pull_request AND head_repo != repo",
    drift: "type = cron",
    // Of Travis' cron jobs none says what it is for.
    resume: "type = cron",
  };
  const planned = [...Map.groupBy(triggerKinds, (trigger) => conditions[trigger])].flatMap(([condition, triggers]) => {
    const jobs = triggers
      .filter((trigger) => happens(trigger, pipeline))
      .flatMap((trigger) => levels(trigger, pipeline));
    const once = new Map(jobs.map((one) => [planLine(one.job), one]));
    return [...once.values()].map((one) => ({ ...one, condition, build: triggers[0] ?? "" }));
  });
  const count = Math.max(0, ...planned.map(({ level }) => level));
  return {
    version: "~> 1.0",
    os: "linux",
    dist: "jammy",
    language: "shell",
    if: `tag IS blank AND (type IN (pull_request, cron) OR type = push AND branch = ${branch})`,
    git: { depth: false, submodules: false },
    stages: [planStage, ...Array.from({ length: count }, (_, index) => stageName(index + 1))],
    jobs: {
      include: [
        planJob(pipeline),
        ...planned.toSorted((one, other) => one.level - other.level).map((one) => travisJob(one, pipeline)),
      ],
    },
  };
}

function stageName(level: number): string {
  return `Step ${level}`;
}

interface Placed {
  readonly job: PipelineJob;
  /** In which stage it is: after all jobs that it requires. */
  readonly level: number;
  /** All jobs that come before it because it requires them, or those do. */
  readonly before: readonly PipelineJob[];
}

function levels(trigger: TriggerKind, pipeline: Pipeline): readonly Placed[] {
  return pipelineJobs(trigger, { pipeline, ...runArgs }).reduce<readonly Placed[]>((placed, job) => {
    const required = placed.filter((one) => job.requires?.includes(one.job.name));
    const level = 1 + Math.max(0, ...required.map((one) => one.level));
    const before = new Set(required.flatMap((one) => [...one.before, one.job]));
    return [...placed, { job, level, before: [...before] }];
  }, []);
}

interface Conditional extends Placed {
  readonly condition: string;
  /** What the builds are for in which the condition holds. */
  readonly build: string;
}

function travisJob({ job, level, before, condition, build }: Conditional, pipeline: Pipeline): TravisJob {
  const { kind, name, contexts = [], batch } = job;
  if (kind === "approval") throw new Error(`unreachable: ${name}: pull requests ask people at Travis`);
  const body = jobBody(kind, jobValues(job, runValues, pipeline), pipeline);
  const handsOver = handedOver(body.steps);
  const [service] = batch?.services ?? [];
  const isTest = kind === "test" || kind === "test-in-image";
  const image = isTest ? service?.testImage : kind === "prepare-image" ? service?.prepare?.image : undefined;
  const script = jobScript(body, {
    kind,
    name,
    image: image ?? pipeline.image,
    variables: settingsOf(contexts, pipeline),
    services: isTest ? (service?.serviceContainers ?? []).map(containerOptions) : [],
    handsOver,
    docker: has(body.steps, "image-builder"),
  });
  const taken = has(body.steps, "take-over") ? before.filter((one) => handsOverFiles(one, pipeline)) : [];
  return {
    stage: stageName(level),
    name,
    if: condition,
    services: ["docker"],
    workspaces: {
      use: [planWorkspace, ...taken.map((one) => workspaceName(one, build))],
      ...(handsOver.length === 0 ? {} : { create: { name: workspaceName(job, build), paths: [workspaceDirectory] } }),
    },
    script: [script],
  };
}

/** Travis takes a name once, also where no build has both jobs. */
function workspaceName({ name }: PipelineJob, build: string): string {
  return `${build}-${name}`;
}

function handsOverFiles(job: PipelineJob, pipeline: Pipeline): boolean {
  if (job.kind === "approval") return false;
  return has(jobBody(job.kind, jobValues(job, runValues, pipeline), pipeline).steps, "hand-over");
}

function has(steps: readonly JobStep[], kind: JobStep["kind"]): boolean {
  return steps.some((step) => step.kind === kind || (step.kind === "when" && has(step.steps, kind)));
}

function planJob(pipeline: Pipeline): TravisJob {
  const plan = run(
    "Find out what has changed",
    `branch="\${TRAVIS_PULL_REQUEST_BRANCH:-$TRAVIS_BRANCH}"
[ "$TRAVIS_PULL_REQUEST" = false ] || [ "$TRAVIS_PULL_REQUEST_SLUG" = "$TRAVIS_REPO_SLUG" ] || branch="pull/$TRAVIS_PULL_REQUEST"
drift=false
[ "$TRAVIS_EVENT_TYPE" != cron ] || drift=true
${pipeline.regenerate} --continue --plan "$PWD/${handOver}/plan" \\
  --from "\${TRAVIS_COMMIT_RANGE%%.*}" --to ${runValues.commit} --branch "$branch" --drift "$drift"`,
  );
  const script = jobScript(
    { steps: [{ kind: "prepare" }, plan] },
    {
      kind: "plan",
      name: "plan",
      image: pipeline.image,
      variables: settingsOf([pipeline.contexts.read], pipeline),
      services: [],
      handsOver: ["plan"],
      docker: false,
    },
  );
  return {
    stage: planStage,
    name: "plan",
    services: ["docker"],
    workspaces: { create: { name: planWorkspace, paths: [workspaceDirectory] } },
    script: [script],
  };
}

/** Variable → the setting of Travis' that has its value: of two contexts with the same variable, the later counts. */
export function settingsOf(
  contexts: readonly string[],
  { contextVariables = {} }: Pick<Pipeline, "contextVariables">,
): ReadonlyMap<string, string> {
  return new Map(
    contexts.flatMap((context) =>
      (contextVariables[context] ?? []).map((variable) => [variable, settingName(context, variable)] as const),
    ),
  );
}

/** `shop-dev`, `DELIVERY_GIT_TOKEN` → `SHOP_DEV__DELIVERY_GIT_TOKEN`: Travis' settings are one list for all jobs. */
export function settingName(context: string, variable: string): string {
  return `${context.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}__${variable}`;
}

/** Each a word of the shell that starts them: it is Travis' machine, which has all settings. */
function containerOptions({
  image,
  env = {},
}: {
  image: string;
  env?: Readonly<Record<string, string>> | undefined;
}): string {
  const variables = Object.entries(env).map(([name, value]) => `--env ${quoteForShell(`${name}=${value}`)}`);
  return [...variables, quoteForShell(image)].join(" ");
}
