import { Answer, CircleCiError, part, slugPath } from "./api.ts";
import { computed, present, required, text } from "./resource-type.ts";
import type { Plain, ResourceType } from "./resource-type.ts";

const fixed = { ...required, replaces: true };

/** The API masks the value: the state keeps what was sent. */
export const projectEnvironmentVariable: ResourceType = {
  token: "circleci:index/projectEnvironmentVariable:ProjectEnvironmentVariable",
  fields: { projectSlug: fixed, name: fixed, value: { ...fixed, secret: true }, createdAt: computed },
  hasId: false,
  importForm: "projectSlug/name",
  importState(id) {
    const cut = id.lastIndexOf("/");
    return cut < 1 || cut === id.length - 1 ? undefined : { projectSlug: id.slice(0, cut), name: id.slice(cut + 1) };
  },
  async create(api, inputs) {
    const [slug, name] = [text(inputs, "projectSlug"), text(inputs, "name")];
    const body = { name, value: text(inputs, "value") };
    const made = new Answer(
      await api.call(`set variable ${name} of project ${slug}`, "POST", `/project/${slugPath(slug)}/envvar`, body),
    );
    return { ...inputs, createdAt: made.optionalText("created-at") ?? "" };
  },
  async read(api, state) {
    try {
      const found = new Answer(await api.call(`read ${describe(state)}`, "GET", path(state)));
      return present({ ...state, name: found.text("name"), createdAt: found.optionalText("created-at") ?? "" });
    } catch (error) {
      if (error instanceof CircleCiError && error.status === 404) return undefined;
      throw error;
    }
  },
  async delete(api, state) {
    await api.call(`delete ${describe(state)}`, "DELETE", path(state));
  },
};

function path(state: Plain): string {
  return `/project/${slugPath(text(state, "projectSlug"))}/envvar/${part(text(state, "name"))}`;
}

function describe(state: Plain): string {
  return `variable ${text(state, "name")} of project ${text(state, "projectSlug")}`;
}
