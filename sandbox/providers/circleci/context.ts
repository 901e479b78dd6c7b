import { Answer, part, type CircleCiApi } from "./api.ts";
import { computed, present, required, text, twoParts, type Plain, type ResourceType } from "./resource-type.ts";

export const context: ResourceType = {
  token: "circleci:index/context:Context",
  fields: {
    id: computed,
    name: { ...required, replaces: true },
    organizationId: required,
    createdAt: computed,
  },
  hasId: true,
  importForm: "organizationId/contextId",
  importState: (id) => twoParts(id, "organizationId", "id"),
  async create(api, inputs) {
    const name = text(inputs, "name");
    const body = { name, owner: { id: text(inputs, "organizationId"), type: "organization" } };
    const made = new Answer(await api.call(`create context ${JSON.stringify(name)}`, "POST", "/context", body));
    return present({ ...inputs, id: made.text("id"), createdAt: made.optionalText("created_at") });
  },
  async read(api, state) {
    const id = text(state, "id");
    const found = new Answer(await api.call(`read context ${id}`, "GET", `/context/${part(id)}`));
    // The API does not say which organization a context belongs to.
    return present({
      organizationId: state["organizationId"],
      id: found.text("id"),
      name: found.text("name"),
      createdAt: found.optionalText("created_at"),
    });
  },
  async delete(api, state) {
    const id = text(state, "id");
    await api.call(`delete context ${id}`, "DELETE", `/context/${part(id)}`);
  },
};

/** The value goes in and never comes back: the state keeps what was sent, and only `updatedAt` tells of a change by others. */
export const contextEnvironmentVariable: ResourceType = {
  token: "circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable",
  fields: {
    contextId: { ...required, replaces: true },
    name: { ...required, replaces: true },
    value: { ...required, secret: true },
    createdAt: computed,
    updatedAt: computed,
  },
  hasId: false,
  importForm: "contextId/name",
  importState: (id) => twoParts(id, "contextId", "name"),
  create: put,
  update: (api, _state, inputs) => put(api, inputs),
  async read(api, state) {
    const contextId = text(state, "contextId");
    const found = await findContextVariable(api, contextId, text(state, "name"));
    if (found === undefined) return undefined;
    return present({
      ...state,
      name: found.text("variable"),
      createdAt: found.optionalText("created_at"),
      updatedAt: found.optionalText("updated_at"),
    });
  },
  async delete(api, state) {
    const path = variablePath(state);
    await api.call(`delete variable ${text(state, "name")} of context ${text(state, "contextId")}`, "DELETE", path);
  },
};

/** The variable of that name, without its value. */
export async function findContextVariable(
  api: CircleCiApi,
  contextId: string,
  name: string,
): Promise<Answer | undefined> {
  const variables = await api.list(
    `list the variables of context ${contextId}`,
    `/context/${part(contextId)}/environment-variable`,
  );
  return variables
    .map((variable) => new Answer(variable))
    .find((variable) => variable.optionalText("variable") === name);
}

async function put(api: CircleCiApi, inputs: Plain): Promise<Plain> {
  const what = `set variable ${text(inputs, "name")} of context ${text(inputs, "contextId")}`;
  const made = new Answer(await api.call(what, "PUT", variablePath(inputs), { value: text(inputs, "value") }));
  return present({ ...inputs, createdAt: made.optionalText("created_at"), updatedAt: made.optionalText("updated_at") });
}

function variablePath(map: Plain): string {
  return `/context/${part(text(map, "contextId"))}/environment-variable/${part(text(map, "name"))}`;
}

const fixed = { ...required, replaces: true };

export const contextRestriction: ResourceType = {
  token: "circleci:index/contextRestriction:ContextRestriction",
  fields: { id: computed, contextId: fixed, type: fixed, value: fixed, name: computed, projectId: computed },
  hasId: true,
  importForm: "contextId/restrictionId",
  importState: (id) => twoParts(id, "contextId", "id"),
  async create(api, inputs) {
    const contextId = text(inputs, "contextId");
    const body = { restriction_type: text(inputs, "type"), restriction_value: text(inputs, "value") };
    const what = `restrict context ${contextId} to ${body.restriction_type} ${body.restriction_value}`;
    const made = new Answer(await api.call(what, "POST", `/context/${part(contextId)}/restrictions`, body));
    return {
      ...inputs,
      id: made.text("id"),
      name: made.optionalText("name") ?? "",
      projectId: made.optionalText("project_id") ?? "",
    };
  },
  async read(api, state) {
    const restrictions = await listRestrictions(api, text(state, "contextId"));
    const found = restrictions.find((restriction) => restriction["id"] === state["id"]);
    return found && present({ ...found, contextId: state["contextId"] });
  },
  async delete(api, state) {
    const [contextId, id] = [text(state, "contextId"), text(state, "id")];
    await api.call(
      `delete restriction ${id} of context ${contextId}`,
      "DELETE",
      `/context/${part(contextId)}/restrictions/${part(id)}`,
    );
  },
};

/** A context's restrictions; `name` and `projectId` are empty where they do not apply. */
export async function listRestrictions(api: CircleCiApi, contextId: string): Promise<Plain[]> {
  const items = await api.list(
    `list the restrictions of context ${contextId}`,
    `/context/${part(contextId)}/restrictions`,
  );
  return items.map((item) => {
    const restriction = new Answer(item);
    return {
      id: restriction.text("id"),
      name: restriction.optionalText("name") ?? "",
      projectId: restriction.optionalText("project_id") ?? "",
      type: restriction.text("restriction_type"),
      value: restriction.text("restriction_value"),
    };
  });
}
