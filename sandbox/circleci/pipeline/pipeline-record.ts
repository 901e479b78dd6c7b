import { randomUUID } from "node:crypto";
import { projectSlug } from "../slug.ts";
import type { State } from "../state.ts";
import type { PipelineStart } from "./hook.ts";
import type { Pipeline } from "./records.ts";

/** A pipeline before its config is read. @throws Error when its project is not there */
export function newPipeline(
  { projectId, trigger, source, parameters }: PipelineStart,
  number: number,
  { projects, organizations }: State,
): Pipeline {
  const project = projects.find(({ id }) => id === projectId);
  const organization = organizations.find(({ id }) => id === project?.organizationId);
  if (project === undefined || organization === undefined) throw new Error(`there is no project ${projectId}`);
  const now = new Date().toISOString();
  const isCancelable =
    trigger.type !== "schedule" && source.branch !== undefined && source.branch !== source.defaultBranch;
  return {
    id: randomUUID(),
    number,
    projectId,
    projectSlug: projectSlug(project, organization),
    state: "pending",
    errors: [],
    createdAt: now,
    updatedAt: now,
    trigger,
    source,
    parameters,
    values: {},
    // Source: https://circleci.com/docs/skip-build/#auto-cancel
    autoCancel: project.settings.autocancel_builds && isCancelable,
    workflows: [],
  };
}

/** The other pipelines of the same definition and branch; the newest last. */
export function siblingsOf({ id, projectId, trigger, source }: Pipeline, all: readonly Pipeline[]): Pipeline[] {
  return all.filter(
    (other) =>
      other.id !== id &&
      other.projectId === projectId &&
      other.trigger.definitionId === trigger.definitionId &&
      other.source.branch === source.branch,
  );
}

/** Jobs that ran when the stand-in was stopped did not get to their end. */
export function loseRunningJobs(pipeline: Pipeline): void {
  const stoppedAt = new Date().toISOString();
  for (const job of pipeline.workflows.flatMap(({ jobs }) => jobs)) {
    if (job.status !== "running") continue;
    Object.assign(job, {
      status: "infrastructure_fail",
      message: "CircleCI was stopped while the job ran.",
      stoppedAt,
    });
    for (const step of job.steps) if (step.status === "running") step.status = "infrastructure_fail";
  }
}
