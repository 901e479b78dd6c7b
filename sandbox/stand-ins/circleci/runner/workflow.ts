import type { Ending } from "../../../../circleci/schema.ts";
import type { State } from "../state.ts";
import { authorize } from "./authorization.ts";
import type { JobQueue } from "./job-queue.ts";
import type { Job, JobStatus, Pipeline, Workflow, WorkflowStatus } from "./records.ts";

/** Puts the jobs of a workflow that may start into the queue, as long as that changes anything. */
export function advanceWorkflow(account: State, pipeline: Pipeline, workflow: Workflow): void {
  for (const job of workflow.canceled ? [] : workflow.jobs) {
    if (job.status !== "blocked") continue;
    const state = readiness(job, workflow.jobs);
    if (state === "waiting") continue;
    Object.assign(job, state === "never" ? { status: "not_run" } : startedJob(account, pipeline, job));
    // What it has become may decide about jobs before it in the list.
    return advanceWorkflow(account, pipeline, workflow);
  }
  workflow.status = workflowStatus(workflow);
  if (workflow.jobs.every(hasEnded)) workflow.stoppedAt = new Date().toISOString();
}

/** Ends what runs of a workflow; nothing of it starts any more. */
export function cancelWorkflow(workflow: Workflow, queue: JobQueue): void {
  workflow.canceled = true;
  const stoppedAt = new Date().toISOString();
  for (const job of workflow.jobs) {
    if (job.status === "running") queue.end(job);
    else if (job.status === "blocked") Object.assign(job, { status: "not_run" });
    else if (!hasEnded(job)) Object.assign(job, { status: "canceled", stoppedAt });
  }
}

function startedJob(account: State, pipeline: Pipeline, job: Job): Partial<Job> {
  const now = new Date().toISOString();
  if (job.definition === undefined) return { status: "on_hold", queuedAt: now };
  const authorization = authorize(account, pipeline, job);
  return "refusal" in authorization
    ? { status: "unauthorized", message: authorization.refusal, stoppedAt: now }
    : { status: "queued", queuedAt: now };
}

/** How jobs that require it see an ended job; `undefined`: it has not ended. */
function endingOf(status: JobStatus): Ending | undefined {
  switch (status) {
    case "success":
    case "failed":
    case "canceled":
    case "unauthorized":
    case "not_run":
      return status;
    case "timedout":
    case "infrastructure_fail":
      return "failed";
    case "blocked":
    case "queued":
    case "running":
    case "on_hold":
      return undefined;
  }
}

function hasEnded(job: Job): boolean {
  return endingOf(job.status) !== undefined;
}

/** Whether a job waits for others, may start, or can never start any more. */
export function readiness(job: Job, jobs: readonly Job[]): "waiting" | "ready" | "never" {
  const met = new Set(
    job.requires.map(({ job: name, endings }) => {
      const required = jobs.find((other) => other.name === name);
      const ending = required && endingOf(required.status);
      return ending && endings.includes(ending);
    }),
  );
  if (met.has(false)) return "never";
  return met.has(undefined) ? "waiting" : "ready";
}

/** A workflow has the status of its worst job, once all have ended. */
export function workflowStatus({ jobs, canceled }: Pick<Workflow, "jobs" | "canceled">): WorkflowStatus {
  const statuses = new Set(jobs.map(({ status }) => status));
  const any = (...sought: JobStatus[]): boolean => sought.some((status) => statuses.has(status));
  const failed = any("failed", "timedout", "infrastructure_fail");
  if (any("running", "queued")) return failed ? "failing" : "running";
  if (canceled) return "canceled";
  if (any("on_hold")) return failed ? "failing" : "on_hold";
  if (failed) return "failed";
  if (any("unauthorized")) return "unauthorized";
  return any("canceled") ? "canceled" : "success";
}
