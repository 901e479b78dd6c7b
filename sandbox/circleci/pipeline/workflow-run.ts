import type { State } from "../state.ts";
import { authorize } from "./authorization.ts";
import type { JobQueue } from "./job-queue.ts";
import { hasEnded, readiness, workflowStatus } from "./progress.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";

/** Puts the jobs of a workflow that may start into the queue, as long as that changes anything. */
export function advance(account: State, pipeline: Pipeline, workflow: Workflow): void {
  for (const job of workflow.canceled ? [] : workflow.jobs) {
    if (job.status !== "blocked") continue;
    const state = readiness(job, workflow.jobs);
    if (state === "waiting") continue;
    Object.assign(job, state === "never" ? { status: "not_run" } : begin(account, pipeline, job));
    // What it has become may decide about jobs before it in the list.
    return advance(account, pipeline, workflow);
  }
  workflow.status = workflowStatus(workflow);
  if (workflow.jobs.every(hasEnded)) workflow.stoppedAt = new Date().toISOString();
}

/** Nothing starts any more, and what runs is ended. */
export function cancel(workflow: Workflow, queue: JobQueue): void {
  workflow.canceled = true;
  const stoppedAt = new Date().toISOString();
  for (const job of workflow.jobs) {
    if (job.status === "running") queue.end(job);
    else if (job.status === "blocked") Object.assign(job, { status: "not_run" });
    else if (!hasEnded(job)) Object.assign(job, { status: "canceled", stoppedAt });
  }
}

function begin(account: State, pipeline: Pipeline, job: Job): Partial<Job> {
  const now = new Date().toISOString();
  if (job.definition === undefined) return { status: "on_hold", queuedAt: now };
  const authorization = authorize(account, pipeline, job);
  return "refusal" in authorization
    ? { status: "unauthorized", message: authorization.refusal, stoppedAt: now }
    : { status: "queued", queuedAt: now };
}
