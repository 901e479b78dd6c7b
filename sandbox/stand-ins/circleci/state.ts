import { StateStore } from "../state-store.ts";

/** All that the stand-in knows; the state file is this as JSON. Times are ISO 8601 in UTC with milliseconds, ids are UUIDs. */
export interface State {
  readonly version: 1;
  readonly user: { readonly id: string; readonly login: string; readonly name: string };
  organizations: Organization[];
  projects: Project[];
  contexts: Context[];
  pipelineDefinitions: PipelineDefinition[];
  triggers: Trigger[];
}

export interface Organization {
  readonly id: string;
  readonly name: string;
}

export interface Variable {
  readonly name: string;
  /** In plain text, since jobs need it: the file is readable by its owner only and no response carries it. */
  value: string;
  readonly createdAt: string;
  updatedAt: string;
}

export interface Project {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  settings: ProjectSettings;
  variables: Variable[];
}

export interface Restriction {
  readonly id: string;
  readonly type: "project" | "expression" | "group";
  readonly value: string;
  readonly name: string;
}

export interface Context {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly createdAt: string;
  variables: Variable[];
  restrictions: Restriction[];
}

export interface Source {
  provider: string;
  repo: { external_id: string; full_name?: string };
}

export interface PipelineDefinition {
  readonly id: string;
  readonly projectId: string;
  readonly createdAt: string;
  name: string;
  description: string;
  configSource: Source & { file_path: string };
  checkoutSource: Source;
}

export interface EventSource {
  readonly provider: string;
  repo?: { external_id: string; full_name?: string };
  webhook?: { readonly sender: string; readonly secret: string };
  schedule?: { cron_expression: string; attribution_actor: "system" | "current" };
}

export interface Trigger {
  readonly id: string;
  readonly projectId: string;
  readonly pipelineDefinitionId: string;
  readonly createdAt: string;
  eventSource: EventSource;
  eventName?: string | undefined;
  eventPreset?: string | undefined;
  checkoutRef?: string | undefined;
  configRef?: string | undefined;
  disabled: boolean;
  parameters?: Record<string, string | number | boolean> | undefined;
}

/** A user's account before its first organization. */
export function initialState(): State {
  return {
    version: 1,
    user: { id: "7a1c9e0d-2f6b-4d83-8b57-6e1f0c3a9d42", login: "sandbox", name: "Sandbox" },
    organizations: [],
    projects: [],
    contexts: [],
    pipelineDefinitions: [],
    triggers: [],
  };
}

/** A project's advanced settings, under the names of the API. */
export interface ProjectSettings {
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

/** @throws Error if the file holds something else */
export function openStore(file: string): StateStore<State> {
  return new StateStore({
    file,
    initial: initialState(),
    owner: "CircleCI stand-in",
    withoutFile: "with an empty account",
  });
}

const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** A UUID as slugs of standalone organizations and projects write it: its 16 bytes in base58, e.g. `8e4z1Akd74woxagxnvLT5q`. */
export function base58(uuid: string): string {
  const hex = uuid.replaceAll("-", "");
  const digits = (value: bigint): string =>
    value === 0n ? "" : digits(value / 58n) + (base58Alphabet[Number(value % 58n)] ?? "");
  const zeros = /^(?:00)*/.exec(hex)?.[0] ?? "";
  return "1".repeat(zeros.length / 2) + digits(BigInt(`0x${hex}`));
}

/**
 * Standalone organizations (GitHub App, GitLab) are addressed by id, never by name. Clients take a slug that carries the
 * organization's name for one of a VCS account, and the official provider then calls circleci.com to follow the repository.
 */
export function organizationSlug(organization: Organization): string {
  return `circleci/${base58(organization.id)}`;
}

export function projectSlug(project: Project, organization: Organization): string {
  return `${organizationSlug(organization)}/${base58(project.id)}`;
}

/** Whether a slug's part addresses the object: the short form or the UUID itself. */
export function isAddressedBy(part: string, uuid: string): boolean {
  return part === base58(uuid) || part.toLowerCase() === uuid;
}
