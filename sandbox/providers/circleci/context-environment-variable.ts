import { Answer, part } from "./api.ts";
import type { CircleCiApi } from "./api.ts";
import { computed, present, required, text, twoParts } from "./resource-type.ts";
import type { Plain, ResourceType } from "./resource-type.ts";

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
