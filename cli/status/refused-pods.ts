import type { KubernetesClient } from "../../kubernetes/client.ts";
import { listAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";

/** The events that say why pods are not even made: the cluster has refused them. Those of who may not see events are none. */
export async function listRefusals(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const query = { fieldSelector: "reason=FailedCreate" };
  const list = await client
    .request("GET", `/api/v1/namespaces/${namespace}/events`, { query, signal })
    .catch(() => ({}));
  return listAt(list, "items");
}

/**
 * Why the pods of an object were refused last; `undefined`: they were not. Of Deployments, their own status says it.
 * @param since earlier events are of what was there before, e.g. `2026-05-04T12:00:00Z`
 */
export function refusalOf(
  object: { readonly kind: string; readonly name: string },
  events: readonly KubernetesObject[],
  since: string,
): string | undefined {
  const [last] = events
    .filter((event) => stringAt(event, "involvedObject", "kind") === object.kind)
    .filter((event) => stringAt(event, "involvedObject", "name") === object.name)
    .filter((event) => timeOf(event) >= since)
    .toSorted((one, other) => timeOf(other).localeCompare(timeOf(one)));
  return last === undefined ? undefined : stringAt(last, "message");
}

/** In seconds, as the times of declarations are. */
function timeOf(event: KubernetesObject): string {
  const time =
    stringAt(event, "series", "lastObservedTime") ?? stringAt(event, "lastTimestamp") ?? stringAt(event, "eventTime");
  return (time ?? "").replace(/\.\d+Z$/, "Z");
}
