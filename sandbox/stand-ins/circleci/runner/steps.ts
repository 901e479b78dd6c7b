import { existsSync, globSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunStep, Step } from "../config/job.ts";
import { restoreCache, saveCache } from "./cache.ts";
import { pathInJob, type JobContext, type Print, type StepEnd } from "./job-context.ts";
import type { Job, PipelineSource } from "./records.ts";
import { runCommand } from "./run-command.ts";

/** BuildKit, as a job gets it by `setup_remote_docker`. */
interface RemoteDocker {
  /** Path of its client. */
  buildctl: string;
  /** For BUILDKIT_HOST. */
  address: string;
}

/** Starts BuildKit if it does not run; `undefined`: this CircleCI has none. */
export type StartRemoteDocker = () => Promise<RemoteDocker | undefined>;

/** Runs one step of a job. A rejection fails the step with its message. */
export function performStep(
  context: JobContext,
  step: Step,
  startRemoteDocker: StartRemoteDocker,
  print: Print,
): Promise<StepEnd> {
  switch (step.type) {
    case "run":
      return runStep(context, step, print);
    case "checkout":
      return checkOut(context, step.path, print);
    case "setup_remote_docker":
      return setupRemoteDocker(context, startRemoteDocker, print);
    case "persist_to_workspace":
      return persistToWorkspace(context, step, print);
    case "attach_workspace":
      return attachWorkspace(context, step.at, print);
    case "save_cache":
      return saveCache(context, step, print);
    case "restore_cache":
      return restoreCache(context, step, print);
    case "store_artifacts":
      return storeFiles(context, "artifacts", step, print);
    case "store_test_results":
      return storeFiles(context, "test-results", step, print);
  }
}

/** Whether a step runs, after what has happened before it in the job. */
export function isDue(step: Step, hasFailed: boolean): boolean {
  if (step.type === "store_artifacts" || step.type === "store_test_results") return true;
  const when = "when" in step ? step.when : "on_success";
  return when === "always" || hasFailed === (when === "on_fail");
}

/** BuildKit in place of a Docker daemon: its client finds it by BUILDKIT_HOST. */
async function setupRemoteDocker(context: JobContext, start: StartRemoteDocker, print: Print): Promise<StepEnd> {
  const remoteDocker = await start();
  if (remoteDocker === undefined) {
    print("This CircleCI was started without BuildKit.\n");
    return { status: "infrastructure_fail" };
  }
  const { buildctl, address } = remoteDocker;
  Object.assign(context.environment, {
    BUILDKIT_HOST: address,
    PATH: `${dirname(buildctl)}:${context.environment["PATH"] ?? ""}`,
  });
  print(`BuildKit at ${address}\n`);
  return { status: "success" };
}

/** How long a command may write nothing, unless its step says otherwise, in seconds. */
const quietSeconds = 600;

/** Runs the command of a `run` step, and again as often as the step says for as long as it fails. */
async function runStep(context: JobContext, step: RunStep, print: Print): Promise<StepEnd> {
  const { max_auto_reruns: reruns = 0, auto_rerun_delay: delay } = step;
  for (let attempt = 1; ; attempt += 1) {
    const end = await runOnce(context, step, print);
    if (end.status !== "failed" || attempt > reruns) return end;
    print(`Rerun ${attempt} of ${reruns}\n`);
    await sleep(delay * 1000, undefined, { signal: context.signal }).catch(() => undefined);
    if (context.signal.aborted) return { status: "canceled" };
  }
}

/** Runs a command in a shell. */
async function runOnce(context: JobContext, step: RunStep, print: Print): Promise<StepEnd> {
  const [program = "", ...args] = (step.shell ?? context.definition.shell).split(/\s+/);
  const cwd = step.working_directory === undefined ? context.directory : pathInJob(context, step.working_directory);
  mkdirSync(cwd, { recursive: true });
  const seconds = step.no_output_timeout ?? quietSeconds;
  const ended = runCommand({
    program,
    args: [...args, "-c", step.command],
    cwd: resolve(cwd),
    env: { ...context.environment, ...step.environment },
    output: print,
    signal: context.signal,
    quietSeconds: seconds,
  });
  if (step.background) {
    // It ends with the job, and does not decide how the job ends.
    void ended.catch((error: unknown) => print(`${String(error)}\n`));
    return { status: "success" };
  }
  const end = await ended;
  if (end.type === "aborted") return { status: "canceled" };
  if (end.type === "exit") {
    if (end.code !== 0) print(`\nExited with code exit status ${end.code}\n`);
    return { status: end.code === 0 ? "success" : "failed", exitCode: end.code };
  }
  print(`\nToo long with no output (exceeded ${seconds} s): context deadline exceeded\n`);
  return { status: "timedout" };
}

/**
 * Checks out the pipeline's commit with its whole history: from the copy on this machine, by hard links, or from a checkout that
 * is there already.
 */
async function checkOut(context: JobContext, path: string | undefined, print: Print): Promise<StepEnd> {
  const { source } = context.pipeline;
  const target = path === undefined ? context.directory : pathInJob(context, path);
  mkdirSync(target, { recursive: true });
  const git = async (...args: string[]): Promise<number> => {
    const end = await runCommand({
      program: "git",
      args: ["-C", target, "-c", "advice.detachedHead=false", ...args],
      cwd: target,
      env: context.environment,
      output: print,
      signal: context.signal,
      quietSeconds,
    });
    return end.type === "exit" ? end.code : 1;
  };
  const { branch, revision } = source;
  const commands = [
    tookFromPool(context, target)
      ? fetchArguments(source)
      : ["clone", "--quiet", "--local", "--no-checkout", context.mirror, "."],
    ["remote", "set-url", "origin", source.cloneUrl],
    ["checkout", "--quiet", "--force", ...(branch === undefined ? ["--detach"] : ["-B", branch]), revision],
  ];
  for (const command of commands) {
    const code = await git(...command);
    if (context.signal.aborted) return { status: "canceled" };
    if (code !== 0) return { status: "failed", exitCode: code };
  }
  print(`${source.fullName} at ${revision}${branch === undefined ? "" : ` (${branch})`}\n`);
  return { status: "success", exitCode: 0 };
}

/** A checkout of the pool is brought up to date by fetching branches, and the commits of a fork are in none. */
function tookFromPool({ checkouts, mirror, pipeline }: JobContext, target: string): boolean {
  return pipeline.source.fork === undefined && readdirSync(target).length === 0 && checkouts.take(mirror, target);
}

/** What makes an older clone, on no branch, one of now. */
function fetchArguments({ defaultBranch }: PipelineSource): string[] {
  const main = `+refs/heads/${defaultBranch}:refs/heads/${defaultBranch}`;
  const refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", main];
  return ["fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head", "origin", ...refs];
}

/** Keeps files for the jobs that require this one. */
async function persistToWorkspace(
  context: JobContext,
  { root, paths }: { root: string; paths: readonly string[] },
  print: Print,
): Promise<StepEnd> {
  const from = pathInJob(context, root);
  const found = existsSync(from) ? paths.flatMap((path) => globSync(path, { cwd: from })) : [];
  if (found.length === 0) {
    print(`The specified paths did not match any files in ${from}\n`);
    return { status: "failed" };
  }
  const layer = workspaceLayer(context, context.job.name);
  for (const path of new Set(found)) {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await copy(join(from, path), join(layer, path));
    print(`${path}\n`);
  }
  return { status: "success" };
}

/** Adds what the jobs before this one have kept, the later jobs' files over the earlier ones'. */
async function attachWorkspace(context: JobContext, at: string, print: Print): Promise<StepEnd> {
  const target = pathInJob(context, at);
  await mkdir(target, { recursive: true });
  const layers = jobsBefore(context.job, context.workflow.jobs).filter(({ name }) =>
    existsSync(workspaceLayer(context, name)),
  );
  for (const { name } of layers) {
    await copy(workspaceLayer(context, name), target);
    print(`Applied what ${name} has kept\n`);
  }
  return { status: "success" };
}

function workspaceLayer({ pipelineFolder, workflow }: JobContext, job: string): string {
  return join(pipelineFolder, "workspaces", workflow.workspaceId, encodeURIComponent(job));
}

async function copy(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

/** The jobs before a job, however far: the earlier ones first. Their workspaces are what it can attach. */
export function jobsBefore(job: Job, jobs: readonly Job[]): Job[] {
  const names = new Set<string>();
  const visit = ({ requires }: Job): void => {
    for (const { job: name } of requires) {
      const required = jobs.find((other) => other.name === name);
      if (required === undefined || names.has(name)) continue;
      visit(required);
      names.add(name);
    }
  };
  visit(job);
  return [...names].flatMap((name) => jobs.filter((other) => other.name === name));
}

/**
 * Keeps files next to the job's log, for people to look at.
 *
 * @param kind the folder that they get into
 */
async function storeFiles(
  context: JobContext,
  kind: "artifacts" | "test-results",
  { path, destination }: { path: string; destination?: string | undefined },
  print: Print,
): Promise<StepEnd> {
  const from = pathInJob(context, path);
  if (!existsSync(from)) {
    print(`${from}: there is nothing\n`);
    return { status: "success" };
  }
  const name = destination ?? (statSync(from).isDirectory() ? "" : basename(from));
  const to = join(context.logFolder, kind, join("/", name));
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  print(`Kept in ${to}\n`);
  return { status: "success" };
}
