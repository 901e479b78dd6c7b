import { randomUUID } from "node:crypto";
import type { PipelineDefinition, Source } from "../state.ts";
import { notFound } from "./api-error.ts";
import { inputOf, pathPart, type Input } from "./input.ts";
import { projectById } from "./projects.ts";
import { created, messageResponse, ok, route, type ApiRequest, type Json, type Route } from "./router.ts";

const definitionsPath = "/projects/{project}/pipeline-definitions";
const providers = ["github_app", "github_server", "github_oauth", "bitbucket_dc"] as const;

/** Where a project's pipelines find their config and their code. */
export const pipelineDefinitionRoutes: readonly Route[] = [
  route("GET", definitionsPath, (request) => {
    const project = projectById(request.state, pathPart(request, "project"));
    return ok({
      items: request.state.pipelineDefinitions
        .filter((definition) => definition.projectId === project.id)
        .map(definitionView),
    });
  }),
  route("POST", definitionsPath, (request) => {
    const project = projectById(request.state, pathPart(request, "project"));
    const input = inputOf(request);
    const config = input.object("config_source");
    const definition: PipelineDefinition = {
      id: randomUUID(),
      projectId: project.id,
      createdAt: new Date().toISOString(),
      name: input.string("name"),
      description: input.optionalString("description") ?? "",
      configSource: { ...sourceOf(config), file_path: config.string("file_path") },
      checkoutSource: sourceOf(input.object("checkout_source")),
    };
    request.state.pipelineDefinitions.push(definition);
    return created(definitionView(definition));
  }),
  route("GET", `${definitionsPath}/{definition}`, (request) => ok(definitionView(definitionOf(request)))),
  route("PATCH", `${definitionsPath}/{definition}`, (request) => {
    const definition = definitionOf(request);
    const input = inputOf(request);
    if (input.has("name")) definition.name = input.string("name");
    if (input.has("description")) definition.description = input.string("description");
    const config = input.object("config_source");
    if (config.has("file_path"))
      definition.configSource = { ...definition.configSource, file_path: config.string("file_path") };
    if (input.has("checkout_source")) definition.checkoutSource = sourceOf(input.object("checkout_source"));
    return ok(definitionView(definition));
  }),
  route("DELETE", `${definitionsPath}/{definition}`, (request) => {
    const { id } = definitionOf(request);
    const { state } = request;
    state.pipelineDefinitions = state.pipelineDefinitions.filter((definition) => definition.id !== id);
    state.triggers = state.triggers.filter((trigger) => trigger.pipelineDefinitionId !== id);
    return messageResponse("Pipeline definition deleted.");
  }),
];

/** The pipeline definition that the path names. */
export function definitionOf(request: ApiRequest): PipelineDefinition {
  const project = projectById(request.state, pathPart(request, "project"));
  const id = pathPart(request, "definition");
  const definition = request.state.pipelineDefinitions.find(
    (known) => known.projectId === project.id && known.id === id,
  );
  if (definition === undefined) throw notFound("Pipeline definition");
  return definition;
}

/** A repository's name comes from GitHub, which nothing here asks: it is what the client says, or absent. */
function sourceOf(input: Input): Source {
  const repo = input.object("repo");
  const fullName = repo.optionalString("full_name");
  return {
    provider: input.oneOf("provider", providers),
    repo: { external_id: repo.string("external_id"), ...(fullName === undefined ? {} : { full_name: fullName }) },
  };
}

function definitionView(definition: PipelineDefinition): Json {
  return {
    id: definition.id,
    name: definition.name,
    description: definition.description,
    created_at: definition.createdAt,
    config_source: { ...definition.configSource, repo: { ...definition.configSource.repo } },
    checkout_source: { ...definition.checkoutSource, repo: { ...definition.checkoutSource.repo } },
  };
}
