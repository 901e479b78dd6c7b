import type { PipelineEngine } from "../runner/engine.ts";
import type { Job, Pipeline, Workflow } from "../runner/records.ts";
import { badRequest, notFound } from "./api-error.ts";
import { inputOf, pathPart } from "./input.ts";
import { page } from "./page.ts";
import { ok, route, type ApiRequest, type ApiResponse, type Json, type Route } from "./router.ts";

const workflowPath = "/workflow/{workflow}";

/** Source: https://circleci.com/docs/api/v2/ (tag Workflow) */
export function workflowRoutes(engine: PipelineEngine): Route[] {
  const found = (request: ApiRequest): { pipeline: Pipeline; workflow: Workflow } => {
    const id = pathPart(request, "workflow").toLowerCase();
    for (const pipeline of engine.folder.all()) {
      const workflow = pipeline.workflows.find((known) => known.id === id);
      if (workflow !== undefined) return { pipeline, workflow };
    }
    throw notFound("Workflow");
  };
  return [
    route("GET", workflowPath, (request) => {
      const { pipeline, workflow } = found(request);
      return ok(workflowView(pipeline, workflow));
    }),
    route("GET", `${workflowPath}/job`, (request) => {
      const { pipeline, workflow } = found(request);
      return page(
        request,
        workflow.jobs.map((job) => workflowJobView(pipeline, workflow, job)),
      );
    }),
    route("POST", `${workflowPath}/approve/{request}`, (request) => {
      const { pipeline, workflow } = found(request);
      const job = workflow.jobs.find(({ id }) => id === pathPart(request, "request").toLowerCase());
      if (job === undefined || job.definition !== undefined) throw notFound("Approval job");
      if (job.status !== "on_hold") throw badRequest(`The job is not on hold, but ${job.status}.`);
      engine.approve(pipeline, job);
      return accepted();
    }),
    route("POST", `${workflowPath}/cancel`, (request) => {
      const { pipeline, workflow } = found(request);
      engine.cancel(pipeline, [workflow]);
      return accepted();
    }),
    route("POST", `${workflowPath}/rerun`, (request) => {
      const { pipeline, workflow } = found(request);
      const input = inputOf({ ...request, body: request.body ?? {} });
      for (const unknown of ["jobs", "enable_ssh", "sparse_tree"])
        if (input.has(unknown)) throw badRequest(`${unknown}: the sandbox's CircleCI reruns all jobs, or from_failed.`);
      if (workflow.stoppedAt === undefined) throw badRequest("A workflow that runs cannot be rerun.");
      if (workflow.jobs.length === 0) throw badRequest("The workflow has no jobs to rerun.");
      const again = engine.rerun(pipeline, workflow, input.optionalBoolean("from_failed") ?? false);
      return { status: 202, body: { workflow_id: again.id } };
    }),
  ];
}

function accepted(): ApiResponse {
  return { status: 202, body: { message: "Accepted." } };
}

export function workflowView(pipeline: Pipeline, workflow: Workflow): Json {
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

function workflowJobView({ projectSlug }: Pipeline, { jobs }: Workflow, job: Job): Json {
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
