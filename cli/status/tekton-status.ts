import { ciNamespace } from "../../core/names.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { CiState } from "./ci-status.ts";
import type { State } from "./model.ts";

/** Source: https://tekton.dev/docs/pipelines/pipelineruns/#monitoring-execution-status */
const states: Readonly<Record<string, State>> = { True: "ok", False: "failed", Unknown: "progress" };

/** What the newest run of what is merged comes to: the one that an event has started, which ends as the jobs do. */
export async function readTektonCi(client: KubernetesClient, app: string, signal: AbortSignal): Promise<CiState> {
  const path = `/apis/tekton.dev/v1/namespaces/${ciNamespace(app)}/pipelineruns`;
  const runs = listAt(await client.request("GET", path, { signal }), "items");
  const delivering = runs.filter((run) => nameOf(run).startsWith("deliver-"));
  const [newest] = delivering.toSorted((one, other) => createdAt(other).localeCompare(createdAt(one)));
  if (newest === undefined) return { state: "unknown", summary: "no run yet" };
  const condition = listAt(newest, "status", "conditions").find(({ type }) => type === "Succeeded") ?? {};
  const reason = stringAt(condition, "reason") ?? "has not started";
  return {
    state: states[stringAt(condition, "status") ?? "Unknown"] ?? "unknown",
    summary: `${nameOf(newest)} ${reason.toLowerCase()}`,
  };
}

function createdAt(run: KubernetesObject): string {
  return stringAt(run, "metadata", "creationTimestamp") ?? "";
}
