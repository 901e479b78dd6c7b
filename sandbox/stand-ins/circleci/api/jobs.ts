import { Hono, type Context } from "hono";
import type { PipelineEngine } from "../runner/engine.ts";
import { jobLogFolder, readJobLog, readStepLog } from "../runner/pipeline-folder.ts";
import type { Job, Pipeline, Workflow } from "../runner/records.ts";
import { projectOf } from "./projects.ts";
import { notFound, type ApiEnv, type Json } from "./request.ts";

/** Source: https://circleci.com/docs/api/v2/ (tag Job) */
export const jobs = new Hono<ApiEnv>().get("/project/:vcs/:organization/:project/job/:number", (c) => {
  const { pipeline, workflow, job } = jobOf(c);
  const { id, name } = projectOf(c).project;
  const project = { id, name, slug: pipeline.projectSlug, external_url: pipeline.source.cloneUrl };
  return c.json(jobView(pipeline, workflow, job, c.var.engine.jobUrl(job), project));
});

/** Of API v1.1 what version 2 lacks: the steps of a job. Source: https://circleci.com/docs/api/v1/ */
export const jobsV1 = new Hono<ApiEnv>().get("/project/:vcs/:organization/:project/:number", (c) => {
  const { pipeline, workflow, job } = jobOf(c);
  return c.json(stepsView(pipeline, workflow, job, c.var.engine.jobUrl(job)));
});

/** What jobs have written: the whole of it for people, one step in the form of API v1.1. Secrets are masked already. */
export const outputs = new Hono<ApiEnv>()
  .get("/:job", (c) => {
    const { steps, folder } = outputOf(c.var.engine, c.req.param("job"));
    const logs = readJobLog(folder);
    return c.text(steps.map(({ name, status }, index) => `==== ${name} (${status})\n${logs[index] ?? ""}`).join("\n"));
  })
  .get("/:job/:step", (c) => {
    const message = readStepLog(outputOf(c.var.engine, c.req.param("job")).folder, Number(c.req.param("step")));
    return c.json(message === "" ? [] : [{ type: "out", time: new Date().toISOString(), message }]);
  });

function outputOf({ folder }: PipelineEngine, id: string): { steps: Job["steps"]; folder: string } {
  const found = folder.findJob(id);
  if (found?.job.number === undefined) throw notFound("Output");
  return { steps: found.job.steps, folder: jobLogFolder(folder.folderOf(found.pipeline), found.job.number) };
}

interface FoundJob {
  pipeline: Pipeline;
  workflow: Workflow;
  job: Job;
}

function jobOf(c: Context<ApiEnv, "/project/:vcs/:organization/:project/:number">): FoundJob {
  const { project } = projectOf(c);
  const number = Number(c.req.param("number"));
  for (const pipeline of c.var.engine.folder.all())
    for (const workflow of pipeline.projectId === project.id ? pipeline.workflows : [])
      for (const job of workflow.jobs) if (job.number === number) return { pipeline, workflow, job };
  throw notFound("Job");
}

function jobView(pipeline: Pipeline, workflow: Workflow, job: Job, url: string, project: Json) {
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

/** The form of API v1.1, which alone has a job's steps. Source: https://circleci.com/docs/api/v1/ (single job) */
function stepsView(pipeline: Pipeline, workflow: Workflow, job: Job, url: string) {
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
