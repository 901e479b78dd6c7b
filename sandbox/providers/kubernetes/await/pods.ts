import type { PropertyMap } from "../../property.ts";
import type { Cluster } from "../cluster.ts";
import { builtInPath } from "../discovery.ts";
import {
  annotationOf,
  conditionOf,
  idOf,
  listAt,
  mapAt,
  namespaceOf,
  numberAt,
  stringAt,
  textOf,
} from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { list, selectorText } from "../watch-list.ts";

const revision = "deployment.kubernetes.io/revision";

/** What is wrong with the pods of a workload: of a Deployment only those of its newest ReplicaSet. */
export async function podReasons(cluster: Cluster, workload: KubernetesObject): Promise<string[]> {
  const namespace = namespaceOf(workload);
  const selector = selectorText(mapAt(workload, "spec", "selector"));
  if (selector === undefined) return [];
  const owned = async (apiVersion: string, plural: string, owner: KubernetesObject): Promise<KubernetesObject[]> => {
    const found = await list(cluster.client, {
      path: builtInPath(apiVersion, plural, namespace),
      labelSelector: selector,
    });
    return found.filter((object) =>
      listAt(object, "metadata", "ownerReferences").some(({ uid }) => uid === stringAt(owner, "metadata", "uid")),
    );
  };
  if (workload["kind"] !== "Deployment") {
    const pods = await owned("v1", "pods", workload);
    return pods.length > 0 ? pods.flatMap(podProblems) : await warnings(cluster, workload);
  }
  const replicaSets = await owned("apps/v1", "replicasets", workload);
  const newest = replicaSets.toSorted(
    (a, b) => Number(annotationOf(b, revision) ?? 0) - Number(annotationOf(a, revision) ?? 0),
  )[0];
  if (newest === undefined) return [];
  // A quota or an admission rule keeps pods from being made at all.
  const refused = conditionOf(newest, "ReplicaFailure");
  return [
    ...(refused ? [stringAt(refused, "message") ?? ""] : []),
    ...(await owned("v1", "pods", newest)).flatMap(podProblems),
  ];
}

/** What controllers complain of: without pods, only they know why. */
async function warnings(cluster: Cluster, workload: KubernetesObject): Promise<string[]> {
  const selector = `involvedObject.uid=${stringAt(workload, "metadata", "uid")},type=Warning`;
  const events = await list(cluster.client, {
    path: builtInPath("v1", "events", namespaceOf(workload)),
    fieldSelector: selector,
  });
  return [
    ...new Set(events.map((event) => `[${stringAt(event, "reason") ?? ""}] ${stringAt(event, "message") ?? ""}`)),
  ].slice(-3);
}

/** Why a pod is not ready, in the words of the scheduler and the kubelet; empty for one that is. */
export function podProblems(pod: KubernetesObject): string[] {
  if (conditionOf(pod, "Ready")?.["status"] === "True" || stringAt(pod, "status", "phase") === "Succeeded") return [];
  const conditions = ["PodScheduled", "Initialized", "Ready"].map((type) => conditionOf(pod, type));
  const blocking = conditions.find((condition) => condition !== undefined && condition["status"] !== "True");
  const general = blocking ? (stringAt(blocking, "message") ?? stringAt(blocking, "reason")) : undefined;
  const statuses = [...listAt(pod, "status", "initContainerStatuses"), ...listAt(pod, "status", "containerStatuses")];
  const parts = [...(general ? [general] : []), ...statuses.flatMap(containerProblems)];
  return parts.length > 0 ? [`pod ${idOf(pod)}: ${parts.join("; ")}`] : [];
}

function containerProblems(status: PropertyMap): string[] {
  if (status["ready"] === true) return [];
  const name = stringAt(status, "name") ?? "";
  const waiting = mapAt(status, "state", "waiting");
  const reason = stringAt(waiting, "reason");
  const stopped = [mapAt(status, "state", "terminated"), mapAt(status, "lastState", "terminated")]
    .filter((state) => numberAt(state, "exitCode") !== undefined && state["exitCode"] !== 0)
    .slice(0, 1)
    .map((state) => {
      const said = stringAt(state, "message")?.trim();
      return `container ${name} ended with exit code ${textOf(state["exitCode"] ?? "")} (${stringAt(state, "reason") ?? "Error"})${said ? `: ${said}` : ""}`;
    });
  if (reason === undefined || reason === "ContainerCreating" || reason === "PodInitializing") return stopped;
  const message = stringAt(waiting, "message");
  return [`container ${name}: [${reason}]${message ? ` ${message}` : ""}`, ...stopped];
}
