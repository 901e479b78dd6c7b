import { Answer, part } from "./api.ts";
import { computed, present, required, text, twoParts } from "./resource-type.ts";
import type { ResourceType } from "./resource-type.ts";

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
