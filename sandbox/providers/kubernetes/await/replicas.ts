import { nameOf, namespaceOf, numberAt, stringAt } from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { builtInPath } from "../discovery.ts";
import { isObserved } from "./deployment.ts";
import { podReasons } from "./pods.ts";
import { objectStage, ready, waiting } from "./stage.ts";
import type { Awaiter, Verdict } from "./stage.ts";

export function judgeStatefulSet(object: KubernetesObject): Verdict {
  if (!isObserved(object)) return waiting("the StatefulSet controller has not looked at it yet");
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  const status = (key: string): number => numberAt(object, "status", key) ?? 0;
  const onDelete = stringAt(object, "spec", "updateStrategy", "type") === "OnDelete";
  if (status("replicas") !== wanted || status("readyReplicas") !== wanted)
    return waiting(`${status("readyReplicas")} of ${wanted} replicas are ready`);
  // With OnDelete, old pods stay until somebody deletes them; a partition keeps the lower ones old.
  const partition = numberAt(object, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
  if (onDelete || status("updatedReplicas") >= wanted - partition) return ready;
  return waiting(
    `${status("updatedReplicas")} of ${wanted} replicas run revision ${stringAt(object, "status", "updateRevision") ?? ""}`,
  );
}

export function judgeDaemonSet(object: KubernetesObject): Verdict {
  if (!isObserved(object)) return waiting("the DaemonSet controller has not looked at it yet");
  const status = (key: string): number => numberAt(object, "status", key) ?? 0;
  const wanted = status("desiredNumberScheduled");
  const onDelete = stringAt(object, "spec", "updateStrategy", "type") === "OnDelete";
  const updated = onDelete ? wanted : status("updatedNumberScheduled");
  if (updated >= wanted && status("numberAvailable") >= wanted && status("numberReady") >= wanted) return ready;
  return waiting(`${updated} of ${wanted} pods updated, ${status("numberAvailable")} available`);
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
