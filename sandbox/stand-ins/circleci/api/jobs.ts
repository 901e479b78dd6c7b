import type { PipelineEngine } from "../runner/engine.ts";
import { jobLogFolder, readJobLog, readStepLog } from "../runner/pipeline-folder.ts";
import type { Job, Pipeline, Workflow } from "../runner/records.ts";
import { notFound } from "./api-error.ts";
import { pathPart } from "./input.ts";
import { projectOf } from "./projects.ts";
import { ok, route, type ApiRequest, type Json, type Route } from "./router.ts";

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
export function jobRoutesV1(engine: PipelineEngine): Route[] {
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
    return jobLogFolder(engine.folder.folderOf(found.pipeline), found.job.number);
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

function jobView(pipeline: Pipeline, workflow: Workflow, job: Job, url: string, project: Json): Json {
  const { startedAt, stoppedAt } = job;
  return {
    name: job.name,
    number: job.number,
    status: job.status,
    web_url: url,
    project,
    pipeline: { id: pipeline.id },
    latest_workflow: { id: workflow.id, name: workflow.name },
    executor: { type: "docker", resource_class: job.definition?.resource_class ?? "medium" },
    contexts: job.contexts.map((name) => ({ name })),
    parallelism: 1,
    parallel_runs: [{ index: 0, status: job.status }],
    created_at: workflow.createdAt,
    queued_at: job.queuedAt ?? null,
    started_at: startedAt ?? null,
    stopped_at: stoppedAt ?? null,
    duration: startedAt === undefined || stoppedAt === undefined ? null : Date.parse(stoppedAt) - Date.parse(startedAt),
    messages: job.message === undefined ? [] : [{ type: "error", message: job.message }],
  };
}

/** The form of API v1.1, which alone tells a job's steps. Source: https://circleci.com/docs/api/v1/ (single job) */
function stepsView(pipeline: Pipeline, workflow: Workflow, job: Job, url: string): Json {
  return {
    build_num: job.number,
    build_url: url,
    status: job.status,
    branch: pipeline.source.branch,
    vcs_revision: pipeline.source.revision,
    subject: pipeline.values["git.commit.subject"] ?? "",
    workflows: { job_name: job.name, job_id: job.id, workflow_id: workflow.id, workflow_name: workflow.name },
    steps: job.steps.map((step, index) => ({
      name: step.name,
      actions: [
        {
          index: 0,
          step: index,
          name: step.name,
          type: step.type,
          status: step.status,
          failed: step.status === "failed" ? true : null,
          exit_code: step.exitCode ?? null,
          start_time: step.startedAt,
          end_time: step.stoppedAt ?? null,
          run_time_millis:
            step.stoppedAt === undefined ? null : Date.parse(step.stoppedAt) - Date.parse(step.startedAt),
          has_output: true,
          output_url: `${url}/${index}`,
        },
      ],
    })),
  };
}
