import { readFileSync } from "node:fs";
import { writeStateFile } from "../../machine/private-file.ts";

/** All that the stand-in knows; the state file is this as JSON. Times are ISO 8601 in UTC with milliseconds, ids are UUIDs. */
export interface State {
  readonly version: 1;
  readonly user: { readonly id: string; readonly login: string; readonly name: string };
  organizations: Organization[];
  projects: Project[];
  contexts: Context[];
  pipelineDefinitions: PipelineDefinition[];
  triggers: Trigger[];
  webhooks: Webhook[];
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
  eventName?: string;
  eventPreset?: string;
  checkoutRef?: string;
  configRef?: string;
  disabled: boolean;
  parameters?: Record<string, string | number | boolean>;
}

export interface Webhook {
  readonly id: string;
  readonly scope: { readonly id: string; readonly type: "project" };
  readonly createdAt: string;
  updatedAt: string;
  name: string;
  url: string;
  events: string[];
  verifyTls: boolean;
  signingSecret: string;
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
    webhooks: [],
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

/**
 * The state in memory and in its file. A change is on disk before it is answered, so that a killed process loses nothing
 * that a client was told, and it is made whole or not at all.
 */
export class Store {
  readonly #file: string;
  #state: State;

  constructor(file: string) {
    this.#file = file;
    this.#state = loadState(file);
  }

  get state(): State {
    return this.#state;
  }

  /** Runs a handler; if it changed the state, writes it, and if either fails, keeps the state from before. */
  transaction<Result>(handle: (state: State) => Result): Result {
    const before = JSON.stringify(this.#state);
    try {
      const result = handle(this.#state);
      if (JSON.stringify(this.#state) !== before) writeStateFile(this.#file, this.#state);
      return result;
    } catch (error) {
      // What was serialized above is a State.
      this.#state = JSON.parse(before) as State;
      throw error;
    }
  }
}

function loadState(file: string): State {
  const text = readIfThere(file);
  if (text === undefined) {
    const state = initialState();
    writeStateFile(file, state);
    return state;
  }
  const value = parseState(file, text);
  if (value.version !== 1) {
    const found = JSON.stringify(value.version);
    throw new Error(
      `${file}: the CircleCI stand-in reads state of version 1, not ${found}; move the file away to start with an empty account`,
    );
  }
  return value;
}

function parseState(file: string, text: string): State {
  try {
    // Only this program writes the file, and always whole; the version is checked by the caller.
    return JSON.parse(text) as State;
  } catch (error) {
    throw new Error(
      `${file} is not the state of the CircleCI stand-in (${String(error)}); move it away to start with an empty account`,
      { cause: error },
    );
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
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
