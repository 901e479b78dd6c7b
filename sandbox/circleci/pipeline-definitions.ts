import { randomUUID } from "node:crypto";
import { notFound } from "./api-error.ts";
import { inputOf, pathPart } from "./input.ts";
import type { Input } from "./input.ts";
import { projectById } from "./projects.ts";
import { created, message, ok, route } from "./router.ts";
import type { ApiRequest, Json, Route } from "./router.ts";
import type { PipelineDefinition, Source } from "./state.ts";

const path = "/projects/{project}/pipeline-definitions";
const providers = ["github_app", "github_server", "github_oauth", "bitbucket_dc"] as const;

/** Where a project's pipelines find their config and their code. */
export const pipelineDefinitionRoutes: readonly Route[] = [
  route("GET", path, (request) => {
    const project = projectById(request.state, pathPart(request, "project"));
    return ok({
      items: request.state.pipelineDefinitions.filter((definition) => definition.projectId === project.id).map(view),
    });
  }),
  route("POST", path, (request) => {
    const project = projectById(request.state, pathPart(request, "project"));
    const input = inputOf(request);
    const config = input.object("config_source");
    const definition: PipelineDefinition = {
      id: randomUUID(),
      projectId: project.id,
      createdAt: new Date().toISOString(),
      name: input.string("name"),
      description: input.optionalString("description") ?? "",
      configSource: { ...source(config), file_path: config.string("file_path") },
      checkoutSource: source(input.object("checkout_source")),
    };
    request.state.pipelineDefinitions.push(definition);
    return created(view(definition));
  }),
  route("GET", `${path}/{definition}`, (request) => ok(view(definitionOf(request)))),
  route("PATCH", `${path}/{definition}`, (request) => {
    const definition = definitionOf(request);
    const input = inputOf(request);
    if (input.has("name")) definition.name = input.string("name");
    if (input.has("description")) definition.description = input.string("description");
    const config = input.object("config_source");
    if (config.has("file_path"))
      definition.configSource = { ...definition.configSource, file_path: config.string("file_path") };
    if (input.has("checkout_source")) definition.checkoutSource = source(input.object("checkout_source"));
    return ok(view(definition));
  }),
  route("DELETE", `${path}/{definition}`, (request) => {
    const { id } = definitionOf(request);
    const { state } = request;
    state.pipelineDefinitions = state.pipelineDefinitions.filter((definition) => definition.id !== id);
    state.triggers = state.triggers.filter((trigger) => trigger.pipelineDefinitionId !== id);
    return message("Pipeline definition deleted.");
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
function source(input: Input): Source {
  const repo = input.object("repo");
  const fullName = repo.optionalString("full_name");
  return {
    provider: input.oneOf("provider", providers),
    repo: { external_id: repo.string("external_id"), ...(fullName === undefined ? {} : { full_name: fullName }) },
  };
}

function view(definition: PipelineDefinition): Json {
  return {
    id: definition.id,
    name: definition.name,
    description: definition.description,
    created_at: definition.createdAt,
    config_source: { ...definition.configSource, repo: { ...definition.configSource.repo } },
    checkout_source: { ...definition.checkoutSource, repo: { ...definition.checkoutSource.repo } },
  };
}
