import { errorMessage } from "../../../core/error.ts";
import { Answer, CircleCiError, part, slugPath, type CircleCiApi } from "./api.ts";
import { computed, present, required, text, type Field, type Plain, type ResourceType } from "./resource-type.ts";

const setting: Field = { type: "boolean", kind: "settled" };

/** The settings by their names in Pulumi and in the API. */
const switches = {
  autoCancelBuilds: "autocancel_builds",
  buildForkPrs: "build_fork_prs",
  disableSsh: "disable_ssh",
  forksReceiveSecretEnvVars: "forks_receive_secret_env_vars",
  setGithubStatus: "set_github_status",
  setupWorkflows: "setup_workflows",
  writeSettingsRequiresAdmin: "write_settings_requires_admin",
} as const;

export const project: ResourceType = {
  token: "circleci:index/project:Project",
  fields: {
    id: computed,
    name: { ...required, replaces: true },
    organizationId: { ...required, replaces: true },
    ...Object.fromEntries(Object.keys(switches).map((name) => [name, setting])),
    prOnlyBranchOverrides: { type: "strings", kind: "settled" },
    slug: computed,
    organizationName: computed,
    organizationSlug: computed,
    vcsInfoDefaultBranch: computed,
    vcsInfoProvider: computed,
    vcsInfoUrl: computed,
  },
  hasId: true,
  importForm: "the project's slug",
  importState: (id) => (id.split("/").length === 3 ? { slug: id } : undefined),
  async create(api, inputs) {
    const name = text(inputs, "name");
    const path = `/organization/${part(text(inputs, "organizationId"))}/project`;
    const made = projectOutputs(await api.call(`create project ${JSON.stringify(name)}`, "POST", path, { name }));
    try {
      return { ...made, ...(await patchSettings(api, text(made, "slug"), inputs)) };
    } catch (error) {
      // The project is there, yet nothing notes it: the next create finds its name taken.
      throw new Error(
        `Could not update recently created CircleCI project settings:\n\norg: ${text(inputs, "organizationId")}\nproject_id: ${text(made, "id")}\nproject_name: ${name}\nslug: ${text(made, "slug")}\n\n${errorMessage(error)}`,
        { cause: error },
      );
    }
  },
  async read(api, state) {
    const slug = text(state, "slug");
    const found = projectOutputs(await api.call(`read project ${slug}`, "GET", `/project/${slugPath(slug)}`));
    return { ...found, ...(await readSettings(api, slug)).settings };
  },
  async update(api, state, inputs) {
    return { ...state, ...(await patchSettings(api, text(state, "slug"), inputs)) };
  },
  async delete(api, state) {
    const slug = text(state, "slug");
    await api.call(
      `delete project ${slug} (only standalone projects can be deleted)`,
      "DELETE",
      `/project/${slugPath(slug)}`,
    );
  },
};

/** The properties of a project that are not settings. */
export function projectOutputs(answer: unknown): Plain {
  const found = new Answer(answer);
  const vcs = found.object("vcs_info");
  return present({
    id: found.text("id"),
    name: found.text("name"),
    slug: found.text("slug"),
    organizationId: found.text("organization_id"),
    organizationName: found.text("organization_name"),
    organizationSlug: found.text("organization_slug"),
    vcsInfoDefaultBranch: vcs.optionalText("default_branch") ?? "",
    vcsInfoProvider: vcs.optionalText("provider") ?? "",
    vcsInfoUrl: vcs.optionalText("vcs_url") ?? "",
  });
}

/** The settings of a project; `oss` is no property of the resource, only of the lookup. */
export async function readSettings(api: CircleCiApi, slug: string): Promise<{ settings: Plain; oss: boolean }> {
  return settingsOf(
    await api.call(`read the settings of project ${slug}`, "GET", `/project/${slugPath(slug)}/settings`),
  );
}

/** The official provider sends false for each switch that the program leaves out, at creation and at every update. */
async function patchSettings(api: CircleCiApi, slug: string, inputs: Plain): Promise<Plain> {
  const advanced = {
    ...Object.fromEntries(Object.entries(switches).map(([name, apiName]) => [apiName, inputs[name] ?? false])),
    ...present({ pr_only_branch_overrides: inputs["prOnlyBranchOverrides"] }),
  };
  const what = `set the settings of project ${slug}`;
  return settingsOf(await api.call(what, "PATCH", `/project/${slugPath(slug)}/settings`, { advanced })).settings;
}

function settingsOf(answer: unknown): { settings: Plain; oss: boolean } {
  const advanced = new Answer(answer).object("advanced");
  const settings = {
    ...Object.fromEntries(Object.entries(switches).map(([name, apiName]) => [name, advanced.boolean(apiName)])),
    prOnlyBranchOverrides: advanced.texts("pr_only_branch_overrides"),
  };
  return { settings, oss: advanced.boolean("oss") };
}

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
      const found = new Answer(await api.call(`read ${describe(state)}`, "GET", projectPath(state)));
      return present({ ...state, name: found.text("name"), createdAt: found.optionalText("created-at") ?? "" });
    } catch (error) {
      if (error instanceof CircleCiError && error.status === 404) return undefined;
      throw error;
    }
  },
  async delete(api, state) {
    await api.call(`delete ${describe(state)}`, "DELETE", projectPath(state));
  },
};

function projectPath(state: Plain): string {
  return `/project/${slugPath(text(state, "projectSlug"))}/envvar/${part(text(state, "name"))}`;
}

function describe(state: Plain): string {
  return `variable ${text(state, "name")} of project ${text(state, "projectSlug")}`;
}
