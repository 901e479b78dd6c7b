import { mkdirSync, readdirSync } from "node:fs";
import { runCommand } from "./command.ts";
import { pathInJob, type JobWorld, type Print, type StepEnd } from "./job-world.ts";
import type { PipelineSource } from "./records.ts";

const quietSeconds = 600;

/**
 * Checks out the pipeline's commit with its whole history: from the copy on this machine, by hard links, or from a checkout that
 * is there already.
 */
export async function checkOut(world: JobWorld, path: string | undefined, print: Print): Promise<StepEnd> {
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
    hasSpare(world, target) ? catchUp(source) : ["clone", "--quiet", "--local", "--no-checkout", world.mirror, "."],
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
function hasSpare({ spares, mirror, pipeline }: JobWorld, target: string): boolean {
  return pipeline.source.fork === undefined && readdirSync(target).length === 0 && spares.take(mirror, target);
}

/** What makes an older clone, on no branch, one of now. */
function catchUp({ defaultBranch }: PipelineSource): string[] {
  const main = `+refs/heads/${defaultBranch}:refs/heads/${defaultBranch}`;
  const refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", main];
  return ["fetch", "--quiet", "--prune", "--force", "--no-write-fetch-head", "origin", ...refs];
}
