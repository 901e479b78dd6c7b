import { setTimeout as sleep } from "node:timers/promises";
import type { CircleCiAccess } from "../../../circleci/api.ts";
import { jobsOf, newestPipelines, workflowsOf, type Job, type Pipeline } from "../../../circleci/pipelines.ts";
import type { PipelineEnd, PipelineEvent } from "./pipeline-events.ts";

/** Where CircleCI's API is, and which project of it is followed. */
export interface CircleCiProject extends CircleCiAccess {
  readonly projectSlug: string;
}

const engine = "CircleCI";
const pollMilliseconds = 200;
const ended = new Set([
  "success",
  "failed",
  "error",
  "canceled",
  "unauthorized",
  "not_run",
  "infrastructure_fail",
  "timedout",
]);

/**
 * Follows the newest pipeline of a commit through its workflows until nothing of it runs any more. A workflow that waits for
 * an approval counts as not running.
 * @throws Error if the pipeline could not start, or `signal` ends the waiting
 */
export async function followCircleCi(
  ci: CircleCiProject,
  commit: string,
  onEvent: (event: PipelineEvent) => void,
  signal: AbortSignal,
): Promise<PipelineEnd> {
  const statuses = new Map<string, string>();
  for (let known = false; ; await sleep(pollMilliseconds, undefined, { signal })) {
    const pipeline = await pipelineOf(ci, commit, signal);
    if (pipeline === undefined) continue;
    if (!known) onEvent({ kind: "pipeline", engine, name: `pipeline #${pipeline.number}` });
    known = true;
    if (pipeline.state === "errored")
      throw new Error(`pipeline #${pipeline.number}: ${pipeline.errors.map(({ message }) => message).join("; ")}`);
    const workflows = await workflowsOf(ci, pipeline.id, signal);
    const all = (await Promise.all(workflows.map(({ id }) => jobsOf(ci, id, signal)))).flat();
    const jobs = all.filter(({ type }) => type === "build");
    for (const job of jobs) reportJob(job, statuses, onEvent);
    const over = workflows.length > 0 && pipeline.state === "created" && workflows.every(isOver);
    if (over)
      return { name: `pipeline #${pipeline.number}`, status: worst(workflows.map(({ status }) => status)), jobs };
  }
}

/** The newest pipeline of a commit; `undefined`: none yet. */
async function pipelineOf(ci: CircleCiProject, commit: string, signal: AbortSignal): Promise<Pipeline | undefined> {
  const pipelines = await newestPipelines(ci, ci.projectSlug, undefined, signal);
  return pipelines.find(({ vcs }) => vcs?.revision === commit);
}

function reportJob(job: Job, statuses: Map<string, string>, onEvent: (event: PipelineEvent) => void): void {
  const before = statuses.get(job.id);
  if (before === job.status) return;
  statuses.set(job.id, job.status);
  const hadStarted = before === "running";
  if (!hadStarted && job.startedAt !== undefined) onEvent({ kind: "started", engine, job });
  if (ended.has(job.status)) onEvent({ kind: "ended", engine, job });
}

function isOver({ status }: { status: string }): boolean {
  return ended.has(status) || status === "on_hold";
}

function worst(statuses: readonly string[]): string {
  return statuses.find((status) => status !== "success" && status !== "on_hold") ?? "success";
}
