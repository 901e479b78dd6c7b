import { notFound } from "../api-error.ts";
import { pathPart } from "../input.ts";
import { projectOf } from "../projects.ts";
import { ok, route } from "../router.ts";
import type { ApiRequest, Route } from "../router.ts";
import type { PipelineEngine } from "./engine.ts";
import { jobFolder, readJobLog, readStepLog } from "./job-log.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";
import { jobView, stepsView } from "./views.ts";

interface FoundJob {
  pipeline: Pipeline;
  workflow: Workflow;
  job: Job;
}

/** Source: https://circleci.com/docs/api/v2/ (tag Job) */
export function jobRoutes(engine: PipelineEngine): Route[] {
  return [
    route("GET", "/project/{vcs}/{organization}/{project}/job/{number}", (request) => {
      const { pipeline, workflow, job } = jobOf(engine, request);
      const { id, name } = projectOf(request).project;
      const project = { id, name, slug: pipeline.projectSlug, external_url: pipeline.source.cloneUrl };
      return ok(jobView(pipeline, workflow, job, engine.jobUrl(job), project));
    }),
  ];
}

/** Of API v1.1 what version 2 lacks: the steps of a job. Source: https://circleci.com/docs/api/v1/ */
export function oldJobRoutes(engine: PipelineEngine): Route[] {
  return [
    route("GET", "/project/{vcs}/{organization}/{project}/{number}", (request) => {
      const { pipeline, workflow, job } = jobOf(engine, request);
      return ok(stepsView(pipeline, workflow, job, engine.jobUrl(job)));
    }),
  ];
}

/** What jobs have written: the whole of it for people, one step in the form of API v1.1. Secrets are masked already. */
export function outputRoutes(engine: PipelineEngine): Route[] {
  const folderOf = (request: ApiRequest): string => {
    const found = engine.folder.findJob(pathPart(request, "job"));
    if (found?.job.number === undefined) throw notFound("Output");
    return jobFolder(engine.folder.folderOf(found.pipeline), found.job.number);
  };
  return [
    route("GET", "/{job}", (request) => {
      const steps = engine.folder.findJob(pathPart(request, "job"))?.job.steps ?? [];
      const logs = readJobLog(folderOf(request));
      const text = steps.map(({ name, status }, index) => `==== ${name} (${status})\n${logs[index] ?? ""}`).join("\n");
      return { status: 200, body: null, text };
    }),
    route("GET", "/{job}/{step}", (request) => {
      const text = readStepLog(folderOf(request), Number(pathPart(request, "step")));
      return ok(text === "" ? [] : [{ type: "out", time: new Date().toISOString(), message: text }]);
    }),
  ];
}

function jobOf(engine: PipelineEngine, request: ApiRequest): FoundJob {
  const { project } = projectOf(request);
  const number = Number(pathPart(request, "number"));
  for (const pipeline of engine.folder.all())
    for (const workflow of pipeline.projectId === project.id ? pipeline.workflows : [])
      for (const job of workflow.jobs) if (job.number === number) return { pipeline, workflow, job };
  throw notFound("Job");
}
