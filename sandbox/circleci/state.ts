import type { Settings } from "./settings.ts";

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
  settings: Settings;
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
