import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { CompiledJob } from "../config/job.ts";
import { stepTitle } from "../config/step-schema.ts";
import { runContainer, spinUp, type Container } from "./containers.ts";
import { jobEnvironment } from "./job-environment.ts";
import { endProcesses, makeJobFolder, removeJobFolder } from "./job-folder.ts";
import { jobFolder } from "./job-log.ts";
import { pathInJob, type JobWorld, type StepEnd } from "./job-world.ts";
import { recorded } from "./recorded-step.ts";
import type { Job, JobStatus, Pipeline, Workflow } from "./records.ts";
import type { SpareCheckouts } from "./spare-checkouts.ts";
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
  spares: SpareCheckouts;
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
  const late = AbortSignal.timeout(longestJobSeconds * 1000);
  const home = join(folder, "home");
  const directory = pathInJob({ home, directory: home }, definition.working_directory);
  mkdirSync(directory, { recursive: true });
  const environment = jobEnvironment({ ...run, folder, directory, image: host.imageEnvironment() });
  const scope = pipeline.source.fork?.fullName.replace("/", "-") ?? "own";
  const world: JobWorld = {
    ...run,
    spares: host.spares,
    home,
    directory,
    environment: { ...environment, ...host.marker },
    logFolder: jobFolder(pipelineFolder, job.number),
    cacheFolder: join(host.root, "caches", pipeline.projectId, scope),
    signal: AbortSignal.any([run.signal, late]),
  };
  try {
    const hidden = [...Object.values(secrets), environment["CIRCLE_CONTINUATION_KEY"] ?? ""];
    const status = await runSteps(host, run, world, folder, hidden);
    return late.aborted && status === "canceled" ? "timedout" : status;
  } finally {
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
  const containers: Container[] = [];
  const started = await recorded(run, world, hidden, { name: "Spin up environment", type: "spin" }, async (print) => {
    containers.push(...(await spinUp(host, world, print)));
    return { status: "success" };
  });
  if (started.status !== "success") return world.signal.aborted ? "canceled" : "infrastructure_fail";
  const over = new AbortController();
  const signal = AbortSignal.any([world.signal, over.signal]);
  const running = containers.map((container, index) =>
    recorded(run, world, hidden, { name: `Container ${container.image.image}`, type: "spin" }, (print) =>
      runContainer(host, container, { folder: join(folder, `beside-${index}`), world, print, signal }),
    ),
  );
  try {
    return await runDeclaredSteps(host, run, world, hidden);
  } finally {
    over.abort();
    await Promise.all(running);
  }
}

async function runDeclaredSteps(
  host: JobHost,
  run: JobRun,
  world: JobWorld,
  hidden: readonly string[],
): Promise<JobStatus> {
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
