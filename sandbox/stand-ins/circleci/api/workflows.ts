import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Job, Pipeline, Workflow } from "../runner/records.ts";
import { ApiError, badRequest, bodyOf, notFound, page, type ApiEnv } from "./request.ts";

const rerunSchema = z
  .strictObject({
    from_failed: z.boolean().default(false),
    jobs: z.array(z.string()).optional(),
    enable_ssh: z.boolean().default(false),
  })
  .prefault({});

/** Source: https://circleci.com/docs/api/v2/ (tag Workflow) */
export const workflows = new Hono<ApiEnv>()
  .basePath("/workflow/:workflow")
  .get("/", (c) => {
    const { pipeline, workflow } = workflowOf(c);
    return c.json(workflowView(pipeline, workflow));
  })
  .get("/job", (c) => {
    const { pipeline, workflow } = workflowOf(c);
    return page(
      c,
      workflow.jobs.map((job) => workflowJobView(pipeline, workflow, job)),
    );
  })
  .post("/approve/:request", (c) => {
    const { pipeline, workflow } = workflowOf(c);
    const job = workflow.jobs.find(({ id }) => id === c.req.param("request").toLowerCase());
    if (job === undefined || job.definition !== undefined) throw notFound("Approval job");
    if (job.status !== "on_hold") throw badRequest(`The job is not on hold, but ${job.status}.`);
    c.var.engine.approve(pipeline, job);
    return c.json({ message: "Accepted." }, 202);
  })
  .post("/cancel", (c) => {
    const { pipeline, workflow } = workflowOf(c);
    c.var.engine.cancel(pipeline, [workflow]);
    return c.json({ message: "Accepted." }, 202);
  })
  // All jobs, those that have failed, or some, into which one may log in; nothing else that the real API can.
  .post("/rerun", (c) => {
    const { pipeline, workflow } = workflowOf(c);
    const { from_failed: fromFailed, jobs, enable_ssh: ssh } = bodyOf(c, rerunSchema);
    if (jobs !== undefined && fromFailed) throw badRequest("Only one of jobs and from_failed can be given.");
    if (ssh && jobs === undefined) throw badRequest("enable_ssh needs jobs.");
    const unknown = jobs?.find((id) => !workflow.jobs.some((job) => job.id === id));
    if (unknown !== undefined) throw notFound("Job");
    const project = c.var.state.projects.find(({ id }) => id === pipeline.projectId);
    if (ssh && project?.settings.disable_ssh === true)
      throw new ApiError(403, "Rerunning jobs with SSH is disabled for this project.");
    if (workflow.stoppedAt === undefined) throw badRequest("A workflow that runs cannot be rerun.");
    if (workflow.jobs.length === 0) throw badRequest("The workflow has no jobs to rerun.");
    return c.json({ workflow_id: c.var.engine.rerun(pipeline, workflow, { fromFailed, jobs, ssh }).id }, 202);
  });

function workflowOf(c: Context<ApiEnv, "/workflow/:workflow">): { pipeline: Pipeline; workflow: Workflow } {
  const id = c.req.param("workflow").toLowerCase();
  for (const pipeline of c.var.engine.folder.all()) {
    const workflow = pipeline.workflows.find((known) => known.id === id);
    if (workflow !== undefined) return { pipeline, workflow };
  }
  throw notFound("Workflow");
}

export function workflowView(pipeline: Pipeline, workflow: Workflow) {
  return {
    id: workflow.id,
    name: workflow.name,
    status: workflow.status,
    tag: workflow.tag ?? undefined,
    pipeline_id: pipeline.id,
    pipeline_number: pipeline.number,
    project_slug: pipeline.projectSlug,
    created_at: workflow.createdAt,
    stopped_at: workflow.stoppedAt ?? null,
  };
}

function workflowJobView({ projectSlug }: Pipeline, { jobs }: Workflow, job: Job) {
  const isApproval = job.definition === undefined;
  return {
    id: job.id,
    name: job.name,
    type: isApproval ? "approval" : "build",
    status: job.status,
    job_number: job.number,
    project_slug: projectSlug,
    dependencies: job.requires.flatMap(({ job: name }) =>
      jobs.filter((other) => other.name === name).map(({ id }) => id),
    ),
    started_at: job.startedAt ?? null,
    stopped_at: job.stoppedAt ?? null,
    approval_request_id: isApproval && job.status === "on_hold" ? job.id : undefined,
  };
}
