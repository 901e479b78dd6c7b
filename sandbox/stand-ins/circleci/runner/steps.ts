import { existsSync, globSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
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
  world: JobContext,
  step: Step,
  startRemoteDocker: StartRemoteDocker,
  print: Print,
): Promise<StepEnd> {
  switch (step.type) {
    case "run":
      return runStep(world, step, print);
    case "checkout":
      return checkOut(world, step.path, print);
    case "setup_remote_docker":
      return setupRemoteDocker(world, startRemoteDocker, print);
    case "persist_to_workspace":
      return persistToWorkspace(world, step, print);
    case "attach_workspace":
      return attachWorkspace(world, step.at, print);
    case "save_cache":
      return saveCache(world, step, print);
    case "restore_cache":
      return restoreCache(world, step, print);
    case "store_artifacts":
      return storeFiles(world, "artifacts", step, print);
    case "store_test_results":
      return storeFiles(world, "test-results", step, print);
  }
}

/** Whether a step's turn comes, after what has happened before it in the job. */
export function isDue(step: Step, hasFailed: boolean): boolean {
  if (step.type === "store_artifacts" || step.type === "store_test_results") return true;
  const when = "when" in step ? step.when : "on_success";
  return when === "always" || hasFailed === (when === "on_fail");
}

/** BuildKit in place of a Docker daemon: its client finds it by BUILDKIT_HOST. */
async function setupRemoteDocker(world: JobContext, start: StartRemoteDocker, print: Print): Promise<StepEnd> {
  const remoteDocker = await start();
  if (remoteDocker === undefined) {
    print("This CircleCI was started without BuildKit.\n");
    return { status: "infrastructure_fail" };
  }
  const { buildctl, address } = remoteDocker;
  Object.assign(world.environment, {
    BUILDKIT_HOST: address,
    PATH: `${dirname(buildctl)}:${world.environment["PATH"] ?? ""}`,
  });
  print(`BuildKit at ${address}\n`);
  return { status: "success" };
}

const defaultQuietSeconds = 600;

/** Runs the command of a `run` step in a shell. */
async function runStep(world: JobContext, step: RunStep, print: Print): Promise<StepEnd> {
  const [program = "", ...args] = (step.shell ?? world.definition.shell).split(/\s+/);
  const cwd = step.working_directory === undefined ? world.directory : pathInJob(world, step.working_directory);
  mkdirSync(cwd, { recursive: true });
  const seconds = step.no_output_timeout ?? defaultQuietSeconds;
  const ended = runCommand({
    program,
    args: [...args, "-c", step.command],
    cwd: resolve(cwd),
    env: { ...world.environment, ...step.environment },
    output: print,
    signal: world.signal,
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

const quietSeconds = 600;

/**
 * Checks out the pipeline's commit with its whole history: from the copy on this machine, by hard links, or from a checkout that
 * is there already.
 */
async function checkOut(world: JobContext, path: string | undefined, print: Print): Promise<StepEnd> {
  const { source } = world.pipeline;
  const target = path === undefined ? world.directory : pathInJob(world, path);
  mkdirSync(target, { recursive: true });
  const git = async (...args: string[]): Promise<number> => {
    const end = await runCommand({
      program: "git",
      args: ["-C", target, "-c", "advice.detachedHead=false", ...args],
      cwd: target,
      env: world.environment,
      output: print,
      signal: world.signal,
      quietSeconds,
    });
    return end.type === "exit" ? end.code : 1;
  };
  const { branch, revision } = source;
  const commands = [
    tookFromPool(world, target)
      ? fetchArguments(source)
      : ["clone", "--quiet", "--local", "--no-checkout", world.mirror, "."],
    ["remote", "set-url", "origin", source.cloneUrl],
    ["checkout", "--quiet", "--force", ...(branch === undefined ? ["--detach"] : ["-B", branch]), revision],
  ];
  for (const command of commands) {
    const code = await git(...command);
    if (world.signal.aborted) return { status: "canceled" };
    if (code !== 0) return { status: "failed", exitCode: code };
  }
  print(`${source.fullName} at ${revision}${branch === undefined ? "" : ` (${branch})`}\n`);
  return { status: "success", exitCode: 0 };
}

/** The commits of a fork are in no branch, which alone a spare is brought up to date by. */
function tookFromPool({ spares, mirror, pipeline }: JobContext, target: string): boolean {
  return pipeline.source.fork === undefined && readdirSync(target).length === 0 && spares.take(mirror, target);
}

/** What makes an older clone, on no branch, one of now. */
function fetchArguments({ defaultBranch }: PipelineSource): string[] {
  const main = `+refs/heads/${defaultBranch}:refs/heads/${defaultBranch}`;
  const refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", main];
  return ["fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head", "origin", ...refs];
}

/** Keeps files for the jobs that require this one. */
async function persistToWorkspace(
  world: JobContext,
  { root, paths }: { root: string; paths: readonly string[] },
  print: Print,
): Promise<StepEnd> {
  const from = pathInJob(world, root);
  const found = existsSync(from) ? paths.flatMap((path) => globSync(path, { cwd: from })) : [];
  if (found.length === 0) {
    print(`The specified paths did not match any files in ${from}\n`);
    return { status: "failed" };
  }
  const layer = workspaceLayer(world, world.job.name);
  for (const path of new Set(found)) {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await copy(join(from, path), join(layer, path));
    print(`${path}\n`);
  }
  return { status: "success" };
}

/** Adds what the jobs before this one have kept, the later jobs' files over the earlier ones'. */
async function attachWorkspace(world: JobContext, at: string, print: Print): Promise<StepEnd> {
  const target = pathInJob(world, at);
  await mkdir(target, { recursive: true });
  const layers = jobsBefore(world.job, world.workflow.jobs).filter(({ name }) =>
    existsSync(workspaceLayer(world, name)),
  );
  for (const { name } of layers) {
    await copy(workspaceLayer(world, name), target);
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
 * Keeps files beside the job's log, for people to look at.
 *
 * @param kind the folder that they get into
 */
async function storeFiles(
  world: JobContext,
  kind: "artifacts" | "test-results",
  { path, destination }: { path: string; destination?: string | undefined },
  print: Print,
): Promise<StepEnd> {
  const from = pathInJob(world, path);
  if (!existsSync(from)) {
    print(`${from}: there is nothing\n`);
    return { status: "success" };
  }
  const name = destination ?? (statSync(from).isDirectory() ? "" : basename(from));
  const to = join(world.logFolder, kind, join("/", name));
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  print(`Kept in ${to}\n`);
  return { status: "success" };
}
