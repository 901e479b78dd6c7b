import { badRequest, notFound } from "../api-error.ts";
import { inputOf, pathPart } from "../input.ts";
import { page } from "../page.ts";
import { ok, route } from "../router.ts";
import type { ApiRequest, ApiResponse, Route } from "../router.ts";
import type { PipelineEngine } from "./engine.ts";
import type { Pipeline, Workflow } from "./records.ts";
import { workflowJobView, workflowView } from "./views.ts";

const one = "/workflow/{workflow}";

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
    route("GET", one, (request) => {
      const { pipeline, workflow } = found(request);
      return ok(workflowView(pipeline, workflow));
    }),
    route("GET", `${one}/job`, (request) => {
      const { pipeline, workflow } = found(request);
      return page(
        request,
        workflow.jobs.map((job) => workflowJobView(pipeline, workflow, job)),
      );
    }),
    route("POST", `${one}/approve/{request}`, (request) => {
      const { pipeline, workflow } = found(request);
      const job = workflow.jobs.find(({ id }) => id === pathPart(request, "request").toLowerCase());
      if (job === undefined || job.definition !== undefined) throw notFound("Approval job");
      if (job.status !== "on_hold") throw badRequest(`The job is not on hold, but ${job.status}.`);
      engine.approve(pipeline, job);
      return accepted();
    }),
    route("POST", `${one}/cancel`, (request) => {
      const { pipeline, workflow } = found(request);
      engine.cancel(pipeline, [workflow]);
      return accepted();
    }),
    route("POST", `${one}/rerun`, (request) => {
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
