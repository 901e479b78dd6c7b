import { z } from "zod";
import type { KubernetesClient } from "../../../kubernetes/client.ts";

const applicationSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string() }),
  status: z
    .object({
      sync: z
        .object({ status: z.string(), revision: z.string().default("") })
        .default({ status: "Unknown", revision: "" }),
      health: z.object({ status: z.string().default("Unknown") }).default({ status: "Unknown" }),
      operationState: z
        .object({
          phase: z.string(),
          syncResult: z.object({ revision: z.string().default("") }).default({ revision: "" }),
          operation: z.object({
            sync: z.object({ autoHealAttemptsCount: z.number().default(0) }).default({ autoHealAttemptsCount: 0 }),
          }),
        })
        .optional(),
    })
    .default({ sync: { status: "Unknown", revision: "" }, health: { status: "Unknown" } }),
});

/** What Argo CD says of one Application. */
export interface ApplicationState {
  name: string;
  uid: string;
  /** E.g. `Synced`. */
  sync: string;
  /** E.g. `Healthy`. */
  health: string;
  /** The commit that it compares with. */
  revision: string;
  /** Whether a sync is under way. */
  syncing: boolean;
  /** The commit of the last sync. */
  syncedRevision: string;
  /** How many syncs in a row, up to the last one, Argo CD has taken for undoing changes by others. */
  selfHeals: number;
}

const path = (name: string): string => `/apis/argoproj.io/v1alpha1/namespaces/argocd/applications${name}`;

/** All Applications of an AppProject, by name. */
export async function applicationsOf(kubernetes: KubernetesClient, project: string): Promise<ApplicationState[]> {
  const list = z.object({ items: z.array(applicationSchema.extend({ spec: z.object({ project: z.string() }) })) });
  const { items } = list.parse(await kubernetes.request("GET", path("")));
  return items
    .filter(({ spec }) => spec.project === project)
    .map(stateOf)
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

export async function applicationOf(kubernetes: KubernetesClient, name: string): Promise<ApplicationState> {
  return stateOf(applicationSchema.parse(await kubernetes.request("GET", path(`/${name}`))));
}

function stateOf({ metadata, status }: z.infer<typeof applicationSchema>): ApplicationState {
  const { sync, health, operationState: operation } = status;
  return {
    ...metadata,
    sync: sync.status,
    health: health.status,
    revision: sync.revision,
    syncing: operation?.phase === "Running",
    syncedRevision: operation?.syncResult.revision ?? "",
    selfHeals: operation?.operation.sync.autoHealAttemptsCount ?? 0,
  };
}

export function isHealthy({ sync, health }: ApplicationState): boolean {
  return sync === "Synced" && health === "Healthy";
}
