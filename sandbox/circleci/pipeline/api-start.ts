import { badRequest } from "../api-error.ts";
import type { Input } from "../input.ts";
import type { State } from "../state.ts";
import type { PipelineStart } from "./hook.ts";
import type { Pipeline, PipelineSource } from "./records.ts";

/**
 * The start of a pipeline by a request: in the form of `pipeline/run`, or in the older one with branch and tag.
 *
 * @param pipelines a repository is known here since its first event, which says where it can be cloned from
 */
export function startByApi(
  state: State,
  projectId: string,
  pipelines: readonly Pipeline[],
  input: Input,
): PipelineStart {
  const wanted = input.optionalString("definition_id");
  const definition = state.pipelineDefinitions.find(
    (one) => one.projectId === projectId && (wanted === undefined || one.id === wanted),
  );
  if (definition === undefined) throw badRequest("The project has no such pipeline definition.");
  const repository = definition.checkoutSource.repo;
  const known = pipelines.findLast(({ source }) => source.repositoryId === repository.external_id)?.source;
  if (known === undefined)
    throw badRequest(
      `Nothing was ever pushed to repository ${repository.external_id}, so nothing is known of it here.`,
    );
  const { repositoryId, fullName, cloneUrl, defaultBranch } = known;
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
    source: { repositoryId, fullName, cloneUrl, defaultBranch, revision: "", ...refOf(checkout, defaultBranch) },
    parameters: input.has("parameters") ? input.scalars("parameters") : {},
  };
}

function refOf(input: Input, defaultBranch: string): Pick<PipelineSource, "branch" | "tag"> {
  const tag = input.optionalString("tag");
  const branch = input.optionalString("branch");
  if (tag !== undefined && branch !== undefined) throw badRequest("branch and tag are mutually exclusive.");
  return tag === undefined ? { branch: branch ?? defaultBranch } : { tag };
}
