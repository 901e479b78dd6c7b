import type { Input } from "./input.ts";
import { badRequest } from "./api-error.ts";

/** A project's advanced settings, under the names of the API. */
export interface Settings {
  readonly autocancel_builds: boolean;
  readonly build_fork_prs: boolean;
  readonly build_prs_only: boolean;
  readonly disable_ssh: boolean;
  readonly forks_receive_secret_env_vars: boolean;
  readonly oss: boolean;
  readonly set_github_status: boolean;
  readonly setup_workflows: boolean;
  readonly write_settings_requires_admin: boolean;
  readonly pr_only_branch_overrides: readonly string[];
}

const switches = [
  "autocancel_builds",
  "build_fork_prs",
  "build_prs_only",
  "disable_ssh",
  "forks_receive_secret_env_vars",
  "oss",
  "set_github_status",
  "setup_workflows",
  "write_settings_requires_admin",
] as const;

/** What a new project has. */
export const defaultSettings: Settings = {
  autocancel_builds: false,
  build_fork_prs: false,
  build_prs_only: false,
  disable_ssh: false,
  forks_receive_secret_env_vars: false,
  oss: false,
  set_github_status: true,
  setup_workflows: true,
  write_settings_requires_admin: false,
  pr_only_branch_overrides: ["main"],
};

/**
 * The settings after a partial update.
 * Source: https://circleci.com/docs/api/v2/ (patchProjectSettings): `oss` is only ever set where the repository is public,
 * which no repository here is.
 */
export function updatedSettings(settings: Settings, input: Input): Settings {
  const known = new Set<string>([...switches, "pr_only_branch_overrides"]);
  const stranger = input.keys().find((key) => !known.has(key));
  if (stranger !== undefined) throw badRequest(`advanced.${stranger}: unexpected setting.`);
  const changes = switches.filter((name) => input.has(name)).map((name) => [name, input.boolean(name)] as const);
  return {
    ...settings,
    ...Object.fromEntries(changes),
    oss: false,
    ...(input.has("pr_only_branch_overrides")
      ? { pr_only_branch_overrides: input.strings("pr_only_branch_overrides") }
      : {}),
  };
}
