import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { besideServer } from "../beside/beside.ts";
import type { CompiledJob } from "../config/job.ts";
import { stepTitle } from "../config/step-schema.ts";
import { jobEnvironment } from "./job-environment.ts";
import { endProcesses, makeJobFolder, removeJobFolder } from "./job-folder.ts";
import { appendLog, jobFolder } from "./job-log.ts";
import { pathInJob, type JobWorld, type Print, type StepEnd } from "./job-world.ts";
import { Masking } from "./masking.ts";
import type { Job, JobStatus, Pipeline, StepRecord, Workflow } from "./records.ts";
import { isDue, performStep, type StartRemoteDocker } from "./step-run.ts";

/** As on CircleCI's free plan. */
const longestJobSeconds = 3600;

/** What this machine gives to all jobs. */
export interface JobHost {
  /** The folder of everything below. */
  root: string;
  /** The variables of the executor's image, read anew for each job. */
  imageEnvironment: () => Record<string, string>;
  /** What every process of the sandbox carries. */
  marker: Record<string, string>;
  /** Path of a server of Redis's protocol, if there is one. */
  redis: () => string | undefined;
  startRemoteDocker: StartRemoteDocker;
  /** Takes work that no job waits for. */
  later: (work: () => Promise<void>) => void;
}

export interface JobRun {
  pipeline: Pipeline;
  workflow: Workflow;
  job: Job & { number: number };
  definition: CompiledJob;
  pipelineFolder: string;
  mirror: string;
  secrets: Record<string, string>;
  organizationId: string;
  buildUrl: string;
  signal: AbortSignal;
  /** The record has changed. */
  changed: () => void;
}

/**
 * Runs a job's steps as processes of this machine, which stands in for the docker executor: a fresh home, an environment
 * of its own, nothing left behind. Jobs are not shut off from each other or from this user's files.
 */
export async function runJob(host: JobHost, run: JobRun): Promise<JobStatus> {
  const { definition, job, secrets, pipeline, pipelineFolder } = run;
  const folder = makeJobFolder(join(host.root, "work"), job);
  const over = new AbortController();
  const late = AbortSignal.timeout(longestJobSeconds * 1000);
  const home = join(folder, "home");
  const directory = pathInJob({ home, directory: home }, definition.working_directory);
  mkdirSync(directory, { recursive: true });
  const environment = jobEnvironment({ ...run, folder, directory, image: host.imageEnvironment() });
  const scope = pipeline.source.fork?.fullName.replace("/", "-") ?? "own";
  const world: JobWorld = {
    ...run,
    home,
    directory,
    environment: { ...environment, ...host.marker },
    logFolder: jobFolder(pipelineFolder, job.number),
    cacheFolder: join(host.root, "caches", pipeline.projectId, scope),
    signal: AbortSignal.any([run.signal, late, over.signal]),
  };
  try {
    const hidden = [...Object.values(secrets), environment["CIRCLE_CONTINUATION_KEY"] ?? ""];
    const status = await runSteps(host, run, world, folder, hidden);
    return late.aborted && status === "canceled" ? "timedout" : status;
  } finally {
    over.abort();
    await endProcesses(folder);
    host.later(() => removeJobFolder(folder));
  }
}

async function runSteps(
  host: JobHost,
  run: JobRun,
  world: JobWorld,
  folder: string,
  hidden: readonly string[],
): Promise<JobStatus> {
  const started = await recorded(run, world, hidden, { name: "Spin up environment", type: "spin" }, async (print) => {
    await spinUp(host, world, folder, print);
    return { status: "success" };
  });
  if (started.status !== "success") return world.signal.aborted ? "canceled" : "infrastructure_fail";
  const ends: StepEnd["status"][] = [];
  for (const step of world.definition.steps) {
    if (world.signal.aborted) return "canceled";
    if (
      !isDue(
        step,
        ends.some((status) => status !== "success"),
      )
    )
      continue;
    const { status } = await recorded(run, world, hidden, { name: stepTitle(step), type: step.type }, (print) =>
      performStep(world, step, host.startRemoteDocker, print),
    );
    ends.push(status);
  }
  return ends.find((status) => status !== "success") ?? "success";
}

/** Runs a step with its record and its log: whatever it says is masked before it is written. */
async function recorded(
  { job, changed }: JobRun,
  { logFolder, signal }: JobWorld,
  hidden: readonly string[],
  step: Pick<StepRecord, "name" | "type">,
  perform: (print: Print) => Promise<StepEnd>,
): Promise<StepEnd> {
  const index = job.steps.length;
  const record: StepRecord = { ...step, status: "running", startedAt: new Date().toISOString() };
  job.steps.push(record);
  changed();
  const log = new Masking(hidden, (text) => appendLog(logFolder, index, text));
  // A step that says nothing has a log, too.
  appendLog(logFolder, index, "");
  const end = await perform((text) => log.push(text)).catch((error: unknown): StepEnd => {
    log.push(`${error instanceof Error ? error.message : String(error)}\n`);
    return { status: "failed" };
  });
  log.end();
  Object.assign(record, end, { stoppedAt: new Date().toISOString() });
  if (signal.aborted) record.status = "canceled";
  changed();
  return end;
}

/** Says what stands in for the images, and starts the servers beside the job. */
async function spinUp(host: JobHost, world: JobWorld, folder: string, print: Print): Promise<void> {
  const [primary, ...others] = world.definition.docker;
  print(`This machine stands in for the image ${primary?.image ?? ""}\n`);
  await Promise.all(
    others.map((image, index) =>
      besideServer(image, host.redis()).start({
        image,
        folder: join(folder, `beside-${index}`),
        templates: join(host.root, "templates"),
        environment: { ...world.environment, ...image.environment },
        print,
        signal: world.signal,
      }),
    ),
  );
}
