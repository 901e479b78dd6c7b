import { conditionOf, nameOf, namespaceOf, numberAt, stringAt } from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { builtInPath } from "../discovery.ts";
import { podReasons } from "./pods.ts";
import { objectStage, ready, waiting } from "./stage.ts";
import type { Awaiter, Verdict } from "./stage.ts";

/** Whether the controller has seen the object as it was applied. */
export function isObserved(object: KubernetesObject): boolean {
  return (numberAt(object, "status", "observedGeneration") ?? 0) >= (numberAt(object, "metadata", "generation") ?? 0);
}

/** Ready when the controller says that the newest pods are all there and available. */
export function judgeDeployment(deployment: KubernetesObject): Verdict {
  if (!isObserved(deployment)) return waiting("the Deployment controller has not looked at it yet");
  const wanted = numberAt(deployment, "spec", "replicas") ?? 1;
  const updated = numberAt(deployment, "status", "updatedReplicas") ?? 0;
  const available = numberAt(deployment, "status", "availableReplicas") ?? 0;
  const progressing = conditionOf(deployment, "Progressing");
  const reason = progressing ? stringAt(progressing, "reason") : undefined;
  if (reason === "ProgressDeadlineExceeded") {
    return {
      state: "failed",
      message: `${stringAt(progressing ?? {}, "message") ?? "no progress"} (${available} of ${wanted} pods available)`,
    };
  }
  // A paused Deployment rolls nothing out: there is nothing to wait for.
  if (reason === "DeploymentPaused") return ready;
  const complete =
    updated >= wanted && available >= wanted && conditionOf(deployment, "Available")?.["status"] === "True";
  // Without a progress deadline there is no such condition.
  const rolledOut = progressing === undefined || reason === "NewReplicaSetAvailable";
  if (complete && rolledOut) return ready;
  return waiting(`${updated} of ${wanted} pods updated, ${available} available`);
}

export const deploymentAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, object) => [
    objectStage(builtInPath("apps/v1", "deployments", namespaceOf(object)), nameOf(object), judgeDeployment),
  ],
  reasons: podReasons,
};
