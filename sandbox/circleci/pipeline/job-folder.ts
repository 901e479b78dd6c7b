import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { pidsWith } from "../../proc.ts";
import { jobMark } from "./job-environment.ts";

const run = promisify(execFile);
const killSeconds = 5;

/** A fresh home for a job, with its temporary files beside it. */
export function makeJobFolder(work: string, job: { number: number; id: string }): string {
  const folder = join(work, `${job.number}-${job.id.slice(0, 8)}`);
  for (const sub of ["home", "tmp", "task"]) mkdirSync(join(folder, sub), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "bash-env"), "", { mode: 0o600 });
  return folder;
}

/** What the end of a job's container does: no process of it is left. */
export async function endProcesses(folder: string): Promise<void> {
  for (const deadline = Date.now() + killSeconds * 1000; killProcesses(folder) > 0 && Date.now() < deadline;)
    await sleep(20);
}

/** Removes the files of a job that has ended. It yields to jobs that run: what npm has installed are tens of thousands. */
export async function removeJobFolder(folder: string): Promise<void> {
  await run("nice", ["-n", "19", "rm", "-rf", "--", folder]);
}

/** The same for jobs that were running when the stand-in was killed. */
export function removeLeftovers(work: string): void {
  for (const name of existsSync(work) ? readdirSync(work) : []) {
    killProcesses(join(work, name));
    rmSync(join(work, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

/** How many there were. */
function killProcesses(folder: string): number {
  const mark = jobMark(folder);
  const pids = pidsWith(mark.name, mark.value);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
  return pids.length;
}
