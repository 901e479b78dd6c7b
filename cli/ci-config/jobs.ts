import type { ParameterDeclarations } from "../../circleci/parameters.ts";
import type { Job } from "../../circleci/schema.ts";
import { plainExecutor } from "./executors.ts";
import { healthWait, type Pipeline, type Promotion } from "./pipeline.ts";
import { prepareImageJob, unpackStep } from "./prepare-image.ts";
import { handOver } from "./program-layout.ts";
import { run, waitForPorts } from "./steps.ts";
import { testInImageJob } from "./test-image.ts";

/** What a job tests or builds: a service, or several, each but the first after another `--service`. */
const service: ParameterDeclarations = { service: { type: "string" } };
const environment: ParameterDeclarations = { environment: { type: "string" } };
const attachWorkspace = { attach_workspace: { at: handOver } };
/** What it runs may do everything on the builder's machine, so that its digest is written, too. */
const emulator =
  "tonistiigi/binfmt:qemu-v10.2.3@sha256:400a4873b838d1b89194d982c45e5fb3cda4593fbfd7e08a02e76b03b21166f0";
/** Docker's own builder makes images for its own platform alone. Where another BuildKit builds, it is set up already. */
const emulation = run(
  "Set up a builder for several platforms",
  `[ -n "$BUILDKIT_HOST" ] || {
  docker run --privileged --rm ${emulator} --install all
  docker context create delivery
  docker buildx create --use delivery
}`,
);
/**
 * Docker's layers are kept for the jobs of all branches, and whoever has the builder can write into what is kept. So what is
 * pushed is built without: it has the registry's cache, which only those write who may push.
 */
const freshDocker = "setup_remote_docker";
const keptDocker = { setup_remote_docker: { docker_layer_caching: true } };
// An absolute path, since the CLI runs in the program's directory.
const digests = `"$PWD/${handOver}/digests"`;

/**
 * What workflows are made of: each job is for one service or environment at a time.
 * @param shared whether a job may be for several services, which then gives it a name
 */
export function jobs(pipeline: Pipeline, shared: boolean): Record<string, Job> {
  const { first, promotions, services, testedOnly, emulated } = pipeline;
  const emulating = emulated === true ? [emulation] : [];
  const asksPeople = promotions.some(({ approval }) => approval);
  const isPrepared = services.some(({ prepare }) => prepare !== undefined);
  // The archives that are unpacked before the build.
  const prepared: ParameterDeclarations = isPrepared ? { prepared: { type: "string", default: "" } } : {};
  const unpack = unpackStep(pipeline);
  const option = isPrepared ? " --prepared" : "";
  const given: ParameterDeclarations = shared ? { ...service, job: { type: "string" } } : service;
  const nameOf = (kind: string): string => (shared ? "<< parameters.job >>" : `${kind}-<< parameters.service >>`);
  const digestsFile = `${shared ? "<< parameters.job >>" : "<< parameters.service >>"}.json`;
  return {
    test: {
      parameters: {
        ...given,
        executor: { type: "executor", default: plainExecutor },
        ports: { type: "string", default: "" },
      },
      executor: "<< parameters.executor >>",
      steps: [
        "prepare",
        { when: { condition: "<< parameters.ports >>", steps: [waitForPorts] } },
        run("Test", `delivery test --env ${first.name} --service << parameters.service >>`),
        { report: { job: nameOf("test") } },
      ],
    },
    ...(services.concat(testedOnly).some(({ testScript }) => testScript !== undefined)
      ? { "test-in-image": testInImageJob(pipeline) }
      : {}),
    ...(isPrepared ? { "prepare-image": prepareImageJob(pipeline) } : {}),
    build: {
      description: "Build and push an image, and hand its digest over",
      parameters: { ...given, based: { type: "boolean", default: false }, ...prepared },
      executor: plainExecutor,
      steps: [
        "prepare",
        freshDocker,
        ...emulating,
        // The digests of the images that it is made from, and the files that were made for it.
        {
          when: {
            condition: isPrepared
              ? { or: ["<< parameters.based >>", "<< parameters.prepared >>"] }
              : "<< parameters.based >>",
            steps: [attachWorkspace],
          },
        },
        ...(isPrepared ? [{ when: { condition: "<< parameters.prepared >>", steps: [unpack] } }] : []),
        run(
          "Build and push",
          `mkdir -p ${digests}
delivery build --env ${first.name} --service << parameters.service >> \\
  --build-number << pipeline.number >> --bases ${digests}${option} \\
  --output ${digests}/${digestsFile}`,
        ),
        { persist_to_workspace: { root: handOver, paths: [`digests/${digestsFile}`] } },
        { report: { job: nameOf("build") } },
      ],
    },
    "build-only": {
      description: "Build an image and do not push it, which needs no credentials",
      parameters: { ...given, ...prepared },
      executor: plainExecutor,
      steps: [
        "prepare",
        keptDocker,
        ...emulating,
        ...(isPrepared ? [{ when: { condition: "<< parameters.prepared >>", steps: [attachWorkspace, unpack] } }] : []),
        run("Build", `delivery build --env ${first.name} --service << parameters.service >> --no-push${option}`),
        { report: { job: nameOf("build") } },
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
          `delivery release --env << parameters.environment >> \\
  --digests ${digests} --source-commit "$CIRCLE_SHA1"`,
        ),
        { report: { job: "release-<< parameters.environment >>" } },
      ],
    },
    ...(asksPeople ? { propose: proposeJob } : {}),
    promote: {
      description: "Make an environment run what has proved good in the one before it",
      parameters: {
        ...environment,
        options: { type: "string", default: "" },
        ...(asksPeople ? { approved: { type: "boolean", default: false } } : {}),
      },
      executor: plainExecutor,
      steps: [
        "prepare",
        ...(asksPeople ? [{ when: { condition: "<< parameters.approved >>", steps: [attachWorkspace] } }] : []),
        run(
          "Promote",
          // For `--approved` among the options.
          `${asksPeople ? `approved="$PWD/${handOver}/${proposed}"\n` : ""}delivery promote --to << parameters.environment >> << parameters.options >>`,
          { no_output_timeout: `${longestWait(promotions) + 10}m` },
        ),
        { report: { job: "promote-<< parameters.environment >>" } },
      ],
    },
    "publish-state": {
      description: "Publish the state without its secrets, for previews of forks",
      parameters: environment,
      executor: plainExecutor,
      steps: [
        "prepare",
        "pulumi",
        run("Publish the state", "delivery publish-state --env << parameters.environment >>"),
        { report: { job: "publish-state-<< parameters.environment >>" } },
      ],
    },
    ...previewJobs(
      first.name,
      promotions.map(({ name }) => name),
    ),
    drift: {
      description: "Compare what is declared with what is there",
      parameters: environment,
      executor: plainExecutor,
      steps: ["prepare", "pulumi", run("Drift", "delivery drift --env << parameters.environment >>")],
    },
    delivery: aggregateJob,
  };
}

/** Where the digests are that a person is shown, and then approves. */
const proposed = "approvals/<< parameters.environment >>.json";

/** An approval of CircleCI names nothing, so the job before it shows what is approved, and hands it over to the one after it. */
const proposeJob: Job = {
  description: "Show what a person is to approve",
  parameters: environment,
  executor: plainExecutor,
  steps: [
    "prepare",
    run(
      "Propose",
      `mkdir -p ${handOver}/approvals
delivery promote --to << parameters.environment >> \\
  --propose "$PWD/${handOver}/${proposed}"`,
    ),
    { persist_to_workspace: { root: handOver, paths: [proposed] } },
    { report: { job: "propose-<< parameters.environment >>" } },
  ],
};

/** How long a promotion may wait without any output until what it promotes has been healthy long enough, in minutes. */
function longestWait(promotions: readonly Promotion[]): number {
  return Math.max(0, ...promotions.map((promotion) => healthWait(promotion) ?? 0));
}

function previewJobs(first: string, others: readonly string[]): Record<string, Job> {
  const pullRequest = "--pull-request << pipeline.parameters.pull-request >>";
  // The program is the pull request's own, so that it never runs with an environment's credentials.
  const stacks = [first, ...others].map((name) => `--safe-stack ${name}`);
  const command = `delivery preview ${stacks.join(" ")} \\\n  ${pullRequest}`;
  const preview = (description: string): Job => {
    const steps = ["prepare", "pulumi", run("Preview", command), { report: { job: "preview" } }];
    return { description, executor: plainExecutor, steps };
  };
  return {
    preview: preview("Say in the pull request what it changes"),
    "preview-of-fork": preview("The same without any login, so that only its log says it"),
    "preview-environment": {
      description: "Give the pull request an environment of its own",
      parameters: { built: { type: "boolean", default: false } },
      executor: plainExecutor,
      steps: [
        "prepare",
        { when: { condition: "<< parameters.built >>", steps: [attachWorkspace] } },
        run(
          "Preview environment",
          `mkdir -p ${digests}
delivery preview-environment --env ${first} ${pullRequest} \\
  --digests ${digests} --source-commit "$CIRCLE_SHA1" --comment`,
        ),
        { report: { job: "preview-environment" } },
      ],
    },
    "tidy-preview-environments": {
      description: "Remove the environments of pull requests that are closed or have lost the label",
      executor: plainExecutor,
      steps: [
        "prepare",
        run("Tidy up", `delivery preview-environment --env ${first} --remove-closed --comment`),
        { report: { job: "tidy-preview-environments" } },
      ],
    },
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
    run(
      "Add up",
      `failed=
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
    ),
  ],
};
