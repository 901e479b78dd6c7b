import { appendLog } from "./job-log.ts";
import type { JobRun } from "./job-run.ts";
import type { JobWorld, Print, StepEnd } from "./job-world.ts";
import { Masking } from "./masking.ts";
import type { StepRecord } from "./records.ts";

/** Runs a step with its record and its log: whatever it says is masked before it is written. */
export async function recorded(
  { job, changed }: Pick<JobRun, "job" | "changed">,
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
