import { Answer, part } from "./api.ts";
import type { CircleCiApi } from "./api.ts";
import { computed, present, required, text, twoParts } from "./resource-type.ts";
import type { Plain, ResourceType } from "./resource-type.ts";

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
