import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { errorMessage } from "../../../../core/error.ts";
import { stepTitle, type CompiledJob, type Image } from "../config/job.ts";
import type { CheckoutPool } from "./checkout-pool.ts";
import { pathInJob, type JobContext, type Print, type StepEnd } from "./job-context.ts";
import { endProcesses, jobEnvironment, makeJobFolder, removeJobFolder } from "./job-environment.ts";
import { Masking } from "./masking.ts";
import { appendLog, jobLogFolder } from "./pipeline-folder.ts";
import type { Job, JobStatus, Pipeline, StepRecord, Workflow } from "./records.ts";
import { runCommand } from "./run-command.ts";
import { servicePorts, serviceServer, takePorts, type ServiceServer } from "./services.ts";
import { isDue, performStep, type StartRemoteDocker } from "./steps.ts";

/** As on CircleCI's free plan. */
const longestJobSeconds = 3600;

/** What this machine gives to all jobs. */
export interface JobHost {
  /** The folder of everything below. */
  root: string;
  /** The variables of the executor's image, read for each job. */
  imageEnvironment: () => Record<string, string>;
  /** What every process of the sandbox carries. */
  marker: Record<string, string>;
  /** Path of a server of Redis's protocol, if there is one. */
  redis: () => string | undefined;
  startRemoteDocker: StartRemoteDocker;
  checkouts: CheckoutPool;
  /** Takes work that no job waits for. */
  later: (work: () => Promise<void>) => void;
}

interface JobRun {
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
  const context: JobContext = {
    ...run,
    checkouts: host.checkouts,
    home,
    directory,
    environment: { ...environment, ...host.marker },
    logFolder: jobLogFolder(pipelineFolder, job.number),
    cacheFolder: join(host.root, "caches", pipeline.projectId, scope),
    signal: AbortSignal.any([run.signal, late]),
  };
  try {
    const hidden = [...Object.values(secrets), environment["CIRCLE_CONTINUATION_KEY"] ?? ""];
    const status = await runSteps(host, run, context, folder, hidden);
    return late.aborted && status === "canceled" ? "timedout" : status;
  } finally {
    await endProcesses(folder);
    host.later(() => removeJobFolder(folder));
  }
}

async function runSteps(
  host: JobHost,
  run: JobRun,
  context: JobContext,
  folder: string,
  hidden: readonly string[],
): Promise<JobStatus> {
  const containers: ServiceContainer[] = [];
  using ports = new DisposableStack();
  const started = await recordStep(
    run,
    context,
    hidden,
    { name: "Spin up environment", type: "spin" },
    async (print) => {
      ports.use(await takePorts(servicePorts(context.definition), print, context.signal));
      containers.push(...(await spinUp(host, context, print)));
      return { status: "success" };
    },
  );
  if (started.status !== "success") return context.signal.aborted ? "canceled" : "infrastructure_fail";
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const running = containers.map((container, index) =>
    recordStep(run, context, hidden, { name: `Container ${container.image.image}`, type: "spin" }, (print) =>
      runServiceContainer(host, container, { folder: join(folder, `service-${index}`), context, print, signal }),
    ),
  );
  try {
    return await runDeclaredSteps(host, run, context, hidden);
  } finally {
    over.abort();
    await Promise.all(running);
  }
}

async function runDeclaredSteps(
  host: JobHost,
  run: JobRun,
  context: JobContext,
  hidden: readonly string[],
): Promise<JobStatus> {
  const ends: StepEnd["status"][] = [];
  for (const step of context.definition.steps) {
    if (context.signal.aborted) return "canceled";
    if (
      !isDue(
        step,
        ends.some((status) => status !== "success"),
      )
    )
      continue;
    const { status } = await recordStep(run, context, hidden, { name: stepTitle(step), type: step.type }, (print) =>
      performStep(context, step, host.startRemoteDocker, print),
    );
    ends.push(status);
  }
  return ends.find((status) => status !== "success") ?? "success";
}

/** Runs a step with its record and its log; its output is masked before it is written. */
async function recordStep(
  { job, changed }: Pick<JobRun, "job" | "changed">,
  { logFolder, signal }: JobContext,
  hidden: readonly string[],
  step: Pick<StepRecord, "name" | "type">,
  perform: (print: Print) => Promise<StepEnd>,
): Promise<StepEnd> {
  const index = job.steps.length;
  const record: StepRecord = { ...step, status: "running", startedAt: new Date().toISOString() };
  job.steps.push(record);
  changed();
  const log = new Masking(hidden, (text) => appendLog(logFolder, index, text));
  // Logs are counted to number the steps, so a step without output needs one, too.
  appendLog(logFolder, index, "");
  const end = await perform((text) => log.push(text)).catch((error: unknown): StepEnd => {
    log.push(`${errorMessage(error)}\n`);
    return { status: "failed" };
  });
  log.end();
  Object.assign(record, end, { stoppedAt: new Date().toISOString() });
  if (signal.aborted) record.status = "canceled";
  changed();
  return end;
}

/** The job's own limit is the shorter one. */
const dayInSeconds = 86_400;

/** A server that runs during the job in place of an image. */
interface ServiceContainer {
  image: Image;
  server: ServiceServer;
}

/** Prints what stands in for the images. @throws Error for an image that nothing stands in for, and for a port that is taken */
async function spinUp(
  { redis }: Pick<JobHost, "redis">,
  { definition }: JobContext,
  print: Print,
): Promise<ServiceContainer[]> {
  const [primary, ...others] = definition.docker;
  print(`This machine stands in for the image ${primary?.image ?? ""}\n`);
  return Promise.all(
    others.map(async (image) => {
      const server = serviceServer(image, redis());
      await assertPortFree(image.image, server.port);
      print(`${image.image}: a process of this machine, at localhost:${server.port}\n`);
      return { image, server };
    }),
  );
}

/**
 * Runs a server until the job ends. As at CircleCI, no step waits until it serves, and the job goes on without it if it ends.
 * Source: https://circleci.com/docs/using-docker/#using-multiple-docker-images ("wait for it to be available")
 */
async function runServiceContainer(
  { root }: Pick<JobHost, "root">,
  { image, server }: ServiceContainer,
  { folder, context, print, signal }: { folder: string; context: JobContext; print: Print; signal: AbortSignal },
): Promise<StepEnd> {
  const environment = { ...context.environment, ...image.environment };
  const command = await server.prepare({ image, folder, templates: join(root, "templates"), environment, print });
  const end = await runCommand({ ...command, output: print, signal, quietSeconds: dayInSeconds });
  if (end.type !== "exit") return { status: "success" };
  print(`Exited with code exit status ${end.code}\n`);
  return { status: end.code === 0 ? "success" : "failed", exitCode: end.code };
}

/** @throws Error when somebody else listens there */
async function assertPortFree(image: string, port: number): Promise<void> {
  if (await isPortTaken(port))
    throw new Error(`image ${image}: port ${port} of this machine is taken by another program; stop that one`);
}

function isPortTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const answer = (yes: boolean) => (): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", answer(true)).once("error", answer(false));
  });
}
