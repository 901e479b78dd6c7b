import {
  annotationOf,
  conditionOf,
  idOf,
  listAt,
  mapAt,
  nameOf,
  namespaceOf,
  numberAt,
  stringAt,
  textOf,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import type { PropertyMap } from "../property.ts";
import { builtInPath } from "./discovery.ts";
import type { Cluster } from "./session.ts";
import { list, objectStage, pending, ready, selectorText, type Awaiter, type Verdict } from "./watch.ts";

/** Whether the controller has seen the object as it was applied. */
export function isObserved(object: KubernetesObject): boolean {
  return (numberAt(object, "status", "observedGeneration") ?? 0) >= (numberAt(object, "metadata", "generation") ?? 0);
}

/** Ready when the controller says that the newest pods are all there and available. */
export function judgeDeployment(deployment: KubernetesObject): Verdict {
  if (!isObserved(deployment)) return pending("the Deployment controller has not looked at it yet");
  const desired = numberAt(deployment, "spec", "replicas") ?? 1;
  const updated = numberAt(deployment, "status", "updatedReplicas") ?? 0;
  const available = numberAt(deployment, "status", "availableReplicas") ?? 0;
  const progressing = conditionOf(deployment, "Progressing");
  const reason = progressing ? stringAt(progressing, "reason") : undefined;
  if (reason === "ProgressDeadlineExceeded") {
    return {
      state: "failed",
      message: `${stringAt(progressing ?? {}, "message") ?? "no progress"} (${available} of ${desired} pods available)`,
    };
  }
  // A paused Deployment rolls nothing out: there is nothing to wait for.
  if (reason === "DeploymentPaused") return ready;
  const complete =
    updated >= desired && available >= desired && conditionOf(deployment, "Available")?.["status"] === "True";
  // Without a progress deadline there is no such condition.
  const rolledOut = progressing === undefined || reason === "NewReplicaSetAvailable";
  if (complete && rolledOut) return ready;
  return pending(`${updated} of ${desired} pods updated, ${available} available`);
}

export const deploymentAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [
    objectStage(builtInPath("apps/v1", "deployments", namespaceOf(object)), nameOf(object), judgeDeployment),
  ],
  reasons: podReasons,
};

export function judgeStatefulSet(object: KubernetesObject): Verdict {
  if (!isObserved(object)) return pending("the StatefulSet controller has not looked at it yet");
  const desired = numberAt(object, "spec", "replicas") ?? 1;
  const status = (key: string): number => numberAt(object, "status", key) ?? 0;
  const onDelete = stringAt(object, "spec", "updateStrategy", "type") === "OnDelete";
  if (status("replicas") !== desired || status("readyReplicas") !== desired)
    return pending(`${status("readyReplicas")} of ${desired} replicas are ready`);
  // With OnDelete, old pods stay until somebody deletes them; a partition keeps the lower ones old.
  const partition = numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
  if (onDelete || status("updatedReplicas") >= desired - partition) return ready;
  return pending(
    `${status("updatedReplicas")} of ${desired} replicas run revision ${stringAt(object, "status", "updateRevision") ?? ""}`,
  );
}

export function judgeDaemonSet(object: KubernetesObject): Verdict {
  if (!isObserved(object)) return pending("the DaemonSet controller has not looked at it yet");
  const status = (key: string): number => numberAt(object, "status", key) ?? 0;
  const desired = status("desiredNumberScheduled");
  const onDelete = stringAt(object, "spec", "updateStrategy", "type") === "OnDelete";
  const updated = onDelete ? desired : status("updatedNumberScheduled");
  if (updated >= desired && status("numberAvailable") >= desired && status("numberReady") >= desired) return ready;
  return pending(`${updated} of ${desired} pods updated, ${status("numberAvailable")} available`);
}

export const statefulSetAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [
    objectStage(builtInPath("apps/v1", "statefulsets", namespaceOf(object)), nameOf(object), judgeStatefulSet),
  ],
  reasons: podReasons,
};

export const daemonSetAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [
    objectStage(builtInPath("apps/v1", "daemonsets", namespaceOf(object)), nameOf(object), judgeDaemonSet),
  ],
  reasons: podReasons,
};

export function judgePod(pod: KubernetesObject): Verdict {
  const phase = stringAt(pod, "status", "phase");
  if (conditionOf(pod, "Ready")?.["status"] === "True" || phase === "Succeeded") return ready;
  const problems = podProblems(pod).join("; ");
  if (phase === "Failed") return { state: "failed", message: problems || "the pod failed" };
  return pending(problems || `the pod is ${phase ?? "not looked at yet"}`);
}

export function judgeJob(job: KubernetesObject): Verdict {
  const failed = conditionOf(job, "Failed");
  if (failed?.["status"] === "True")
    return {
      state: "failed",
      message: `[${stringAt(failed, "reason") ?? "Failed"}] ${stringAt(failed, "message") ?? ""}`,
    };
  if (conditionOf(job, "Complete")?.["status"] === "True") return ready;
  const status = (key: string): number => numberAt(job, "status", key) ?? 0;
  return pending(
    `the Job is not complete (active ${status("active")}, succeeded ${status("succeeded")}, failed ${status("failed")})`,
  );
}

export const podAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [objectStage(builtInPath("v1", "pods", namespaceOf(object)), nameOf(object), judgePod)],
};

export const jobAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [
    objectStage(builtInPath("batch/v1", "jobs", namespaceOf(object)), nameOf(object), judgeJob),
  ],
  reasons: podReasons,
};

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
