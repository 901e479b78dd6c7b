import { Answer, part } from "./api.ts";
import { computed, present, required, text, twoParts } from "./resource-type.ts";
import type { Field, Plain, ResourceType } from "./resource-type.ts";

const vcsProvider: Field = {
  ...required,
  problem: (value) =>
    value === "github_app" || value === "github_server" ? undefined : "must be github_app or github_server",
};

export const pipeline: ResourceType = {
  token: "circleci:index/pipeline:Pipeline",
  fields: {
    id: computed,
    projectId: required,
    name: { ...required, replaces: true },
    description: required,
    createdAt: computed,
    configSourceProvider: vcsProvider,
    configSourceFilePath: required,
    configSourceRepoExternalId: required,
    configSourceRepoFullName: computed,
    checkoutSourceProvider: vcsProvider,
    checkoutSourceRepoExternalId: required,
    checkoutSourceRepoFullName: computed,
  },
  hasId: true,
  importForm: "projectId/pipelineId",
  importState: (id) => twoParts(id, "projectId", "id"),
  async create(api, inputs) {
    const projectId = text(inputs, "projectId");
    const body = {
      name: text(inputs, "name"),
      description: text(inputs, "description"),
      config_source: {
        provider: text(inputs, "configSourceProvider"),
        repo: { external_id: text(inputs, "configSourceRepoExternalId") },
        file_path: text(inputs, "configSourceFilePath"),
      },
      checkout_source: checkoutSource(inputs),
    };
    const what = `create pipeline ${JSON.stringify(body.name)} of project ${projectId}`;
    return pipelineOutputs(
      projectId,
      await api.call(what, "POST", `/projects/${part(projectId)}/pipeline-definitions`, body),
    );
  },
  async read(api, state) {
    return pipelineOutputs(text(state, "projectId"), await api.call(`read ${describe(state)}`, "GET", path(state)));
  },
  async update(api, state, inputs) {
    // The config's repository cannot be changed: a program that changes it finds the difference again at every update.
    const body = {
      name: text(inputs, "name"),
      description: text(inputs, "description"),
      config_source: { file_path: text(inputs, "configSourceFilePath") },
      checkout_source: checkoutSource(inputs),
    };
    const at = { ...state, projectId: text(inputs, "projectId") };
    return pipelineOutputs(at.projectId, await api.call(`update ${describe(at)}`, "PATCH", path(at), body));
  },
  async delete(api, state) {
    await api.call(`delete ${describe(state)}`, "DELETE", path(state));
  },
};

/** A pipeline's properties from the API's answer. */
export function pipelineOutputs(projectId: string, answer: unknown): Plain {
  const found = new Answer(answer);
  const [config, checkout] = [found.object("config_source"), found.object("checkout_source")];
  return present({
    id: found.text("id"),
    projectId,
    name: found.text("name"),
    description: found.optionalText("description") ?? "",
    createdAt: found.optionalText("created_at") ?? "",
    configSourceProvider: config.optionalText("provider") ?? "",
    configSourceFilePath: config.optionalText("file_path") ?? "",
    configSourceRepoExternalId: config.object("repo").optionalText("external_id") ?? "",
    configSourceRepoFullName: config.object("repo").optionalText("full_name") ?? "",
    checkoutSourceProvider: checkout.optionalText("provider") ?? "",
    checkoutSourceRepoExternalId: checkout.object("repo").optionalText("external_id") ?? "",
    checkoutSourceRepoFullName: checkout.object("repo").optionalText("full_name") ?? "",
  });
}

function checkoutSource(inputs: Plain): unknown {
  return {
    provider: text(inputs, "checkoutSourceProvider"),
    repo: { external_id: text(inputs, "checkoutSourceRepoExternalId") },
  };
}

function path(state: Plain): string {
  return `/projects/${part(text(state, "projectId"))}/pipeline-definitions/${part(text(state, "id"))}`;
}

function describe(state: Plain): string {
  return `pipeline ${text(state, "id")} of project ${text(state, "projectId")}`;
}
