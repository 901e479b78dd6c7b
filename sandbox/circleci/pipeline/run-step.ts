import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { RunStep } from "../config/step-schema.ts";
import { runCommand } from "./command.ts";
import { pathInJob, type JobWorld, type Print, type StepEnd } from "./job-world.ts";

const defaultQuietSeconds = 600;

/** Runs the command of a `run` step in a shell. */
export async function runStep(world: JobWorld, step: RunStep, print: Print): Promise<StepEnd> {
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
