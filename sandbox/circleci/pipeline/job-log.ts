import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where a job's output is: `jobs/<number>/<step>.log` in its pipeline's folder, appended to while the job runs. */
export function jobFolder(pipelineFolder: string, jobNumber: number): string {
  return join(pipelineFolder, "jobs", String(jobNumber));
}

/** Adds to the output of a step, with secrets masked already. */
export function appendLog(folder: string, step: number, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  appendFileSync(join(folder, `${step}.log`), text, { mode: 0o600 });
}

/** What one step has written so far. */
export function readStepLog(folder: string, step: number): string {
  const path = join(folder, `${step}.log`);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** What a job has written so far: the text of each step, in their order. */
export function readJobLog(folder: string): string[] {
  const steps = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".log")).length : 0;
  return Array.from({ length: steps }, (_, step) => readStepLog(folder, step));
}
