import { annotationOf, conditionOf, listAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { Service } from "../service/service.ts";
import { clusterClient, type ClusterAccess } from "./cluster-access.ts";

const annotation = "pulumi.com/replaceUnready";

/** The engine then replaces a Job that is not complete, and so tries again what has failed. */
const replaceUnready = { [annotation]: "true" };

/** The owners of Jobs that the update is to try again: services, and what their migrations are called. */
export type RetriedRuns = ReadonlySet<string>;

/** How long the cluster may take to say what runs, in milliseconds. The update itself waits longer for it. */
const patience = 10_000;

/**
 * Asks the cluster which Jobs are to be tried again. Marked as such are those alone: marked, one that still runs would be
 * replaced, too, when an update was cancelled while it waited for it, and would begin anew in place of being waited for.
 * @returns none where the cluster cannot be asked
 */
export async function retriedRuns(
  access: ClusterAccess,
  namespace: string,
  services: readonly Pick<Service, "kind" | "migrations">[],
): Promise<RetriedRuns> {
  if (services.every(({ kind, migrations }) => kind !== "job" && migrations === undefined)) return new Set();
  try {
    const client = await clusterClient(access);
    const path = `/apis/batch/v1/namespaces/${namespace}/jobs`;
    return retriedAmong(listAt(await client.request("GET", path, { signal: AbortSignal.timeout(patience) }), "items"));
  } catch {
    // Who previews need not have a cluster, and an update fails by itself without one.
    return new Set();
  }
}

/** Those that have failed. One that was marked keeps its mark when it has succeeded, or taking it away would be a change. */
export function retriedAmong(jobs: readonly KubernetesObject[]): RetriedRuns {
  const has = (job: KubernetesObject, type: string): boolean => conditionOf(job, type)?.["status"] === "True";
  const retried = jobs.filter(
    (job) => has(job, "Failed") || (has(job, "Complete") && annotationOf(job, annotation) === "true"),
  );
  return new Set(retried.flatMap((job) => stringAt(job, "metadata", "labels", "app.kubernetes.io/name") ?? []));
}

/** The annotations of a Job. @param owner its service, or what the service's migrations are called */
export function retryAnnotations(retried: RetriedRuns, owner: string): Readonly<Record<string, string>> {
  return retried.has(owner) ? replaceUnready : {};
}
