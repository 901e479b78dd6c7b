import type { Ending } from "../config/requires.ts";
import type { Job, JobStatus, Workflow, WorkflowStatus } from "./records.ts";

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

export function hasEnded(job: Job): boolean {
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

/** A workflow is as its worst job, once all have ended. */
export function workflowStatus({ jobs, canceled }: Pick<Workflow, "jobs" | "canceled">): WorkflowStatus {
  const statuses = new Set(jobs.map(({ status }) => status));
  const any = (...wanted: JobStatus[]): boolean => wanted.some((status) => statuses.has(status));
  const failed = any("failed", "timedout", "infrastructure_fail");
  if (any("running", "queued")) return failed ? "failing" : "running";
  if (canceled) return "canceled";
  if (any("on_hold")) return failed ? "failing" : "on_hold";
  if (failed) return "failed";
  if (any("unauthorized")) return "unauthorized";
  return any("canceled") ? "canceled" : "success";
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
