import { badRequest } from "../api-error.ts";
import type { Input } from "../input.ts";
import type { PipelineDefinition, State } from "../state.ts";
import type { PipelineStart } from "./hook.ts";
import type { Pipeline, PipelineSource } from "./records.ts";

/**
 * The start of a pipeline by a request: in the form of `pipeline/run`, or in the older one with branch and tag.
 *
 * @param pipelines those that are there
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

/** What is known of a definition's repository: its events say where it can be cloned from. */
export function knownRepository(
  { checkoutSource }: PipelineDefinition,
  pipelines: readonly Pipeline[],
): Omit<PipelineSource, "revision"> | undefined {
  const found = pipelines.findLast(({ source }) => source.repositoryId === checkoutSource.repo.external_id)?.source;
  if (found === undefined) return undefined;
  const { repositoryId, fullName, cloneUrl, defaultBranch } = found;
  return { repositoryId, fullName, cloneUrl, defaultBranch };
}

function refOf(input: Input, defaultBranch: string): Pick<PipelineSource, "branch" | "tag"> {
  const tag = input.optionalString("tag");
  const branch = input.optionalString("branch");
  if (tag !== undefined && branch !== undefined) throw badRequest("branch and tag are mutually exclusive.");
  return tag === undefined ? { branch: branch ?? defaultBranch } : { tag };
}
