import { serviceArguments } from "./batches.ts";
import { emulation } from "./emulation.ts";
import { servicePorts } from "./service-ports.ts";
import { healthWait, type Pipeline } from "./pipeline.ts";
import type { JobKind, PipelineJob } from "./pipeline-job.ts";
import { pack, prepareParameters, unpackStep } from "./prepare-image.ts";
import { handOver } from "./program-layout.ts";
import { run, waitForPorts, when, word, type JobStep } from "./steps.ts";
import { testResultsVariable } from "../testing/run-test.ts";
import { testScript } from "./test-image.ts";

/** What a job runs. */
export interface JobBody {
  /** What a person reads above it. @default its name says it */
  readonly description?: string;
  /** Environment variables, as they are, which no shell has read. @default none */
  readonly variables?: Readonly<Record<string, string>>;
  readonly steps: readonly JobStep[];
}

/**
 * What the steps of a job say of the job and its run, each a word of a shell or part of one. An engine that writes a job once for
 * many puts its own parameters in their place; empty is what a job does not have.
 */
export interface JobValues {
  readonly name: string;
  /** The services, each but the first after another `--service`. */
  readonly services: string;
  readonly environment: string;
  /** The commit that the run is for. */
  readonly commit: string;
  /** The number of the run. */
  readonly number: string;
  readonly pullRequest: string;
  /** The file for the digests of the images that it builds. */
  readonly digestsFile: string;
  /** Whether it takes digests over; any text: it does. */
  readonly takesDigests: string;
  /** The archives of files that were made for its images. */
  readonly prepared: string;
  /** The archive of the files that it makes. */
  readonly archive: string;
  /** The directory in which these are, from the root of the checkout, with a slash at its end. */
  readonly within: string;
  /** The command of the services' own that it runs. */
  readonly command: string;
  /** The ports of service containers that tests wait for. */
  readonly ports: string;
  /** What `delivery promote`, `approve` or `verify` is told. */
  readonly options: string;
  /** Whether it takes over what a person has approved; any text: it does. */
  readonly approved: string;
}

/** What an engine says of a run where a job's steps ask for it, as words of a shell. */
export type RunValues = Pick<JobValues, "commit" | "number" | "pullRequest">;

/** The values of one job. @param known what the engine calls what the run knows */
export function jobValues(job: PipelineJob, known: RunValues, pipeline: Pipeline): JobValues {
  const { batch, environment = "", prepared = [], takesDigests = false, options = "", approved = false } = job;
  const [service] = batch?.services ?? [];
  const isTest = job.kind === "test" || job.kind === "test-in-image";
  const made =
    batch === undefined || job.kind !== "prepare-image"
      ? { archive: "", within: "", command: "" }
      : prepareParameters(batch, pipeline);
  return {
    ...known,
    ...made,
    ...(batch !== undefined && job.kind === "test-in-image" ? { command: testScript(batch) } : {}),
    name: job.name,
    services: batch === undefined ? "" : serviceArguments(batch),
    environment,
    digestsFile: `${batch?.services.length === 1 ? service?.name : job.name}.json`,
    takesDigests: takesDigests ? "true" : "",
    prepared: prepared.join(" "),
    ports: isTest && service !== undefined ? servicePorts(service).join(" ") : "",
    options,
    approved: approved ? "true" : "",
  };
}

// An absolute path, since the CLI runs in the program's directory.
const testResults = `${handOver}/test-results`;
const digests = `"$PWD/${handOver}/digests"`;
const takeOver: JobStep = { kind: "take-over" };
const prepare: JobStep = { kind: "prepare" };
const pulumi: JobStep = { kind: "pulumi" };

/** What a job of a kind runs. */
export function jobBody(kind: Exclude<JobKind, "approval">, values: JobValues, pipeline: Pipeline): JobBody {
  const { first, promotions, emulated } = pipeline;
  const { name, services, environment, prepared } = values;
  const report: JobStep = { kind: "report", job: name };
  const pullRequest = `--pull-request ${values.pullRequest}`;
  const markers = pipeline.deployMarkers === true ? " --deploy-markers" : "";
  const emulating = emulated === true ? [emulation] : [];
  const isPrepared = pipeline.services.some((service) => service.prepare !== undefined);
  const option = isPrepared ? " --prepared" : "";
  const unpack = unpackStep(pipeline, prepared);
  const inAppDirectory = `cd ${word(pipeline.appDirectory)}\nbash -eo pipefail -c "$COMMAND"`;
  const preview = (description: string): JobBody => {
    // The program is the pull request's own, so that it never runs with an environment's credentials.
    const stacks = [first, ...promotions].map((one) => `--safe-stack ${one.name}`);
    const command = `delivery preview ${stacks.join(" ")} \\\n  ${pullRequest}`;
    return { description, steps: [prepare, pulumi, run("Preview", command), report] };
  };
  const bodies: Record<Exclude<JobKind, "approval">, () => JobBody> = {
    test: () => ({
      steps: [
        prepare,
        ...when([values.ports], [waitForPorts(values.ports)]),
        run("Test", `delivery test --env ${first.name} --service ${services} \\\n  --results "$PWD/${testResults}"`, {
          testResults,
        }),
        report,
      ],
    }),
    "test-in-image": () => ({
      description: "Run the commands that test services, in an image that may have nothing of what this program needs",
      variables: { COMMAND: values.command },
      steps: [
        { kind: "checkout" },
        ...when([values.ports], [waitForPorts(values.ports)]),
        run(
          "Test",
          `mkdir -p ${testResults} && export ${testResultsVariable}="$PWD/${testResults}"\n${inAppDirectory}`,
          { testResults },
        ),
        report,
      ],
    }),
    // It runs in any image that has bash, Git and tar, and without credentials: what it runs comes from whoever has written the
    // packages that it installs. It hands over all that is not as in the commit and that the build of the image can see.
    "prepare-image": () => ({
      description: "Run the commands that make files for images, and hand these over",
      variables: { COMMAND: values.command, CONTEXT: values.within },
      steps: [
        { kind: "checkout" },
        run("Prepare", inAppDirectory),
        run("Pack what is not in the commit", pack(values.archive)),
        { kind: "hand-over", path: `prepared/${values.archive}.tar` },
        report,
      ],
    }),
    build: () => ({
      description: "Build and push an image, and hand its digest over",
      steps: [
        prepare,
        { kind: "image-builder", pushes: true },
        ...emulating,
        // The digests of the images that it is made from, and the files that were made for it.
        ...when([values.takesDigests, prepared], [takeOver]),
        ...when([prepared], [unpack]),
        run(
          "Build and push",
          `mkdir -p ${digests}
delivery build --env ${first.name} --service ${services} \\
  --build-number ${values.number} --bases ${digests}${option} \\
  --output ${digests}/${values.digestsFile}`,
        ),
        { kind: "hand-over", path: `digests/${values.digestsFile}` },
        report,
      ],
    }),
    "build-only": () => ({
      description: "Build an image and do not push it, which needs no credentials",
      steps: [
        prepare,
        { kind: "image-builder", pushes: false },
        ...emulating,
        ...when([prepared], [takeOver, unpack]),
        run("Build", `delivery build --env ${first.name} --service ${services} --no-push${option}`),
        report,
      ],
    }),
    release: () => ({
      description: "Make an environment run the digests that were built",
      steps: [
        prepare,
        takeOver,
        run(
          "Release",
          `delivery release --env ${environment} \\
  --digests ${digests} --source-commit ${values.commit}${markers}`,
        ),
        report,
      ],
    }),
    "release-waiting": () => ({
      description: "Release what has waited for a window",
      steps: [prepare, run("Release", `delivery release --env ${environment} --waiting${markers}`), report],
    }),
    verify: () => ({
      description: "Have what was released prove itself, or take it back",
      steps: [
        prepare,
        run("Verify", `delivery verify --env ${environment} ${values.options}${markers}`, {
          quietMinutes: Math.max(0, ...[first, ...promotions].map(({ verifyWait = 0 }) => verifyWait)) + 10,
        }),
        report,
      ],
    }),
    // An approval names nothing, so the job before it shows what is approved, and hands it over to the one after it.
    propose: () => ({
      description: "Show what a person is to approve",
      steps: [
        prepare,
        run(
          "Propose",
          `mkdir -p ${handOver}/approvals
delivery promote --to ${environment} \\
  --propose "$PWD/${handOver}/${proposed(environment)}"`,
        ),
        { kind: "hand-over", path: proposed(environment) },
        report,
      ],
    }),
    decide: () => ({
      description: "Carry out what a person has chosen of what they were shown",
      steps: [
        prepare,
        takeOver,
        run(
          "Decide",
          `delivery approve --env ${environment} --shown "$PWD/${handOver}/${proposed(environment)}" \\\n  ${values.options}`,
        ),
        report,
      ],
    }),
    promote: () => ({
      description: "Make an environment run what has proved good in the one before it",
      steps: [
        prepare,
        ...when([values.approved], [takeOver]),
        run(
          "Promote",
          // For `--approved` among the options.
          `${values.approved === "" ? "" : `approved="$PWD/${handOver}/${proposed(environment)}"\n`}delivery promote --to ${environment} ${values.options}${markers}`,
          { quietMinutes: Math.max(0, ...promotions.map((promotion) => healthWait(promotion) ?? 0)) + 10 },
        ),
        report,
      ],
    }),
    tag: () => ({
      description: "Give what an environment runs a version each",
      steps: [prepare, run("Tag", `delivery tag --env ${environment}`), report],
    }),
    "publish-state": () => ({
      description: "Publish the state without its secrets, for previews of forks",
      steps: [prepare, pulumi, run("Publish the state", `delivery publish-state --env ${environment}`), report],
    }),
    preview: () => preview("Say in the pull request what it changes"),
    "preview-of-fork": () => preview("The same without any login, so that only its log says it"),
    "preview-environment": () => ({
      description: "Give the pull request an environment of its own",
      steps: [
        prepare,
        ...when([values.takesDigests], [takeOver]),
        run(
          "Preview environment",
          `mkdir -p ${digests}
delivery preview-environment --env ${first.name} ${pullRequest} \\
  --digests ${digests} --source-commit ${values.commit} --comment`,
        ),
        report,
      ],
    }),
    "tidy-preview-environments": () => ({
      description: "Remove the environments of pull requests that are closed or have lost the label",
      steps: [
        prepare,
        run("Tidy up", `delivery preview-environment --env ${first.name} --remove-closed --comment`),
        report,
      ],
    }),
    drift: () => ({
      description: "Compare what is declared with what is there",
      steps: [prepare, pulumi, run("Drift", `delivery drift --env ${environment}`)],
    }),
  };
  return bodies[kind]();
}

/** Where the digests are that a person is shown, and then approves. */
function proposed(environment: string): string {
  return `approvals/${environment}.json`;
}
