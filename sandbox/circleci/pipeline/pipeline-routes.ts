import { badRequest, notFound } from "../api-error.ts";
import { ConfigError } from "../config/config-error.ts";
import { inputOf, isUuid, pathPart } from "../input.ts";
import { page } from "../page.ts";
import { projectOf } from "../projects.ts";
import { created, message, ok, route } from "../router.ts";
import type { ApiRequest, ApiResponse, Route } from "../router.ts";
import type { PipelineEngine } from "./engine.ts";
import { startByApi } from "./api-start.ts";
import type { Pipeline } from "./records.ts";
import { pipelineView, workflowView } from "./views.ts";

const slug = "/project/{vcs}/{organization}/{project}/pipeline";

/** Source: https://circleci.com/docs/api/v2/ (tag Pipeline) */
export function pipelineRoutes(engine: PipelineEngine): Route[] {
  const pipelineOf = (request: ApiRequest): Pipeline => {
    const id = pathPart(request, "pipeline");
    const found = engine.folder.all().find((known) => known.id === id.toLowerCase());
    if (!isUuid(id) || found === undefined) throw notFound("Pipeline");
    return found;
  };
  const ofProject = (request: ApiRequest): Pipeline[] => {
    const { project } = projectOf(request);
    return engine.folder.all().filter(({ projectId }) => projectId === project.id);
  };
  return [
    route("GET", slug, (request) => {
      const branch = request.query.get("branch");
      const wanted = ofProject(request).filter(({ source }) => branch === null || source.branch === branch);
      return page(request, wanted.toReversed().map(pipelineView));
    }),
    route("POST", slug, (request) => started(engine, request)),
    route("POST", `${slug}/run`, (request) => started(engine, request)),
    route("GET", `${slug}/{number}`, (request) => {
      const found = ofProject(request).find(({ number }) => String(number) === pathPart(request, "number"));
      if (found === undefined) throw notFound("Pipeline");
      return ok(pipelineView(found));
    }),
    route("GET", "/pipeline/{pipeline}", (request) => ok(pipelineView(pipelineOf(request)))),
    route("GET", "/pipeline/{pipeline}/workflow", (request) => {
      const pipeline = pipelineOf(request);
      // The newest first.
      return page(
        request,
        pipeline.workflows.toReversed().map((workflow) => workflowView(pipeline, workflow)),
      );
    }),
  ];
}

/** Needs no token: the key is known to the pipeline's setup job only, and works once. */
export function continuationRoute(engine: PipelineEngine): Route {
  return route("POST", "/pipeline/continue", (request) => {
    const input = inputOf(request);
    const key = input.string("continuation-key");
    const pipeline = engine.folder.all().find(({ continuationKey }) => continuationKey === key);
    if (pipeline === undefined) throw badRequest("The continuation key is unknown, or has been used.");
    const parameters = input.has("parameters") ? input.scalars("parameters") : {};
    const isConflict = Object.entries(parameters).some(
      ([name, value]) => pipeline.parameters[name] !== undefined && pipeline.parameters[name] !== value,
    );
    if (isConflict) throw badRequest("Conflicting pipeline parameters.");
    try {
      engine.continue(pipeline, input.string("configuration"), parameters);
    } catch (error) {
      if (error instanceof ConfigError) throw badRequest(error.message);
      throw error;
    }
    return message("Accepted.");
  });
}

function started(engine: PipelineEngine, request: ApiRequest): ApiResponse {
  const { project } = projectOf(request);
  const pipeline = engine.start(startByApi(request.state, project.id, engine.folder.all(), inputOf(request)));
  const { id, number, state, createdAt } = pipeline;
  return created({ id, number, state, created_at: createdAt });
}
