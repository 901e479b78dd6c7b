import { mkdirSync } from "node:fs";
import { runCommand } from "./command.ts";
import { pathInJob, type JobWorld, type Print, type StepEnd } from "./job-world.ts";

const quietSeconds = 600;

/** Checks out the pipeline's commit with its whole history: from the copy on this machine, by hard links. */
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
    ["clone", "--quiet", "--local", "--no-checkout", world.mirror, "."],
    ["remote", "set-url", "origin", source.cloneUrl],
    [
      "-c",
      "checkout.workers=0",
      "checkout",
      "--quiet",
      "--force",
      ...(branch === undefined ? ["--detach"] : ["-B", branch]),
      revision,
    ],
  ];
  for (const command of commands) {
    const code = await git(...command);
    if (world.signal.aborted) return { status: "canceled" };
    if (code !== 0) return { status: "failed", exitCode: code };
  }
  print(`${source.fullName} at ${revision}${branch === undefined ? "" : ` (${branch})`}\n`);
  return { status: "success", exitCode: 0 };
}
