import { ConfigError } from "../../../../circleci/yaml.ts";
import type { PipelineEngine } from "../runner/engine.ts";
import type { Pipeline, PipelineSource, PipelineStart } from "../runner/records.ts";
import { knownRepository } from "../runner/triggers.ts";
import type { State } from "../state.ts";
import { badRequest, notFound } from "./api-error.ts";
import { inputOf, isUuid, pathPart, type Input } from "./input.ts";
import { page } from "./page.ts";
import { projectOf } from "./projects.ts";
import {
  created,
  messageResponse,
  ok,
  route,
  type ApiRequest,
  type ApiResponse,
  type Json,
  type Route,
} from "./router.ts";
import { workflowView } from "./workflows.ts";

const pipelinesPath = "/project/{vcs}/{organization}/{project}/pipeline";

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
    route("GET", pipelinesPath, (request) => {
      const branch = request.query.get("branch");
      const wanted = ofProject(request).filter(({ source }) => branch === null || source.branch === branch);
      return page(request, wanted.toReversed().map(pipelineView));
    }),
    route("POST", pipelinesPath, (request) => startPipeline(engine, request)),
    route("POST", `${pipelinesPath}/run`, (request) => startPipeline(engine, request)),
    route("GET", `${pipelinesPath}/{number}`, (request) => {
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
    return messageResponse("Accepted.");
  });
}

function startPipeline(engine: PipelineEngine, request: ApiRequest): ApiResponse {
  const { project } = projectOf(request);
  const pipeline = engine.start(startByApi(request.state, project.id, engine.folder.all(), inputOf(request)));
  const { id, number, state, createdAt } = pipeline;
  return created({ id, number, state, created_at: createdAt });
}

/**
 * The start of a pipeline by a request: in the form of `pipeline/run`, or in the older one with branch and tag.
 *
 * @param pipelines those that are there
 */
function startByApi(state: State, projectId: string, pipelines: readonly Pipeline[], input: Input): PipelineStart {
  const wanted = input.optionalString("definition_id");
  const definition = state.pipelineDefinitions.find(
    (one) => one.projectId === projectId && (wanted === undefined || one.id === wanted),
  );
  if (definition === undefined) throw badRequest("The project has no such pipeline definition.");
  const known = knownRepository(definition, pipelines);
  if (known === undefined)
    throw badRequest("Nothing was ever pushed to the definition's repository, so nothing is known of it here.");
  const checkout = input.has("checkout") ? input.object("checkout") : input;
  return {
    projectId,
    trigger: {
      type: "api",
      provider: "api",
      definitionId: definition.id,
      configPath: definition.configSource.file_path,
      receivedAt: new Date().toISOString(),
      event: "api",
      action: "api",
      values: {},
    },
    source: { ...known, revision: "", ...refOf(checkout, known.defaultBranch) },
    parameters: input.has("parameters") ? input.scalars("parameters") : {},
  };
}

function refOf(input: Input, defaultBranch: string): Pick<PipelineSource, "branch" | "tag"> {
  const tag = input.optionalString("tag");
  const branch = input.optionalString("branch");
  if (tag !== undefined && branch !== undefined) throw badRequest("branch and tag are mutually exclusive.");
  return tag === undefined ? { branch: branch ?? defaultBranch } : { tag };
}

/** Pipelines, workflows and jobs as the API shows them. Source: https://circleci.com/docs/api/v2/ */
function pipelineView({ source, trigger, values, ...pipeline }: Pipeline): Json {
  const url = source.cloneUrl.replace(/\.git$/, "");
  return {
    id: pipeline.id,
    number: pipeline.number,
    project_slug: pipeline.projectSlug,
    state: pipeline.state,
    errors: pipeline.errors.map(({ type, message }) => ({ type, message })),
    created_at: pipeline.createdAt,
    updated_at: pipeline.updatedAt,
    trigger: {
      type: trigger.type,
      received_at: trigger.receivedAt,
      actor: { login: trigger.type === "webhook" ? source.fullName.split("/")[0] : "sandbox", avatar_url: null },
    },
    trigger_parameters: pipeline.parameters,
    vcs: {
      provider_name: "GitHub",
      target_repository_url: url,
      origin_repository_url: source.fork?.cloneUrl.replace(/\.git$/, "") ?? url,
      branch: source.branch,
      tag: source.tag,
      revision: source.revision,
      review_url: source.pullRequestUrl,
      commit: { subject: values["git.commit.subject"] ?? "", body: values["git.commit.body"] ?? "" },
    },
  };
}
