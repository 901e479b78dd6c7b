import { AsyncLocalStorage } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { errorMessage } from "../../core/error.ts";
import { ignoreNotFound } from "../../kubernetes/errors.ts";
import { isMap, valueAt, type JsonMap } from "../../kubernetes/json.ts";
import { nameOf, namespaceOf, withValue } from "../../kubernetes/object.ts";
import { clusterClient, type ClusterAccess } from "./cluster-access.ts";

const annotation = ["metadata", "annotations", "delivery/autoscaled"] as const;

/**
 * The Deployment of an autoscaled service, with a mark. Without the mark, a service whose `replicas` are those of before its
 * autoscaler would be the same to the engine, and stay as the autoscaler has left it.
 */
export function markedAsAutoscaled<T extends object>(deployment: T): T {
  // What is added belongs to every Deployment's type.
  return withValue(deployment as JsonMap, annotation, "true") as T;
}

/**
 * What the engine calls before it updates the Deployment of a service without an autoscaler. The engine deletes what is no
 * longer declared after all updates: an autoscaler that has just been taken from the service would see the new replicas, and
 * set its own again. So it goes first, where there was one.
 */
export function autoscalerRemoval(cluster: ClusterAccess): pulumi.ResourceHook {
  // Where several programs run in one process, a log belongs to the one that it is written in.
  const inProgram = AsyncLocalStorage.snapshot();
  return new pulumi.ResourceHook("remove-autoscaler", async ({ name, oldInputs }) => {
    if (!isMap(oldInputs) || !wasAutoscaled(oldInputs)) return;
    await removeAutoscaler(cluster, oldInputs).catch((error: unknown) => {
      const hint = `${name}: its autoscaler could not be removed before its replicas are set (${errorMessage(error)}), and may have changed them since: run \`pulumi up --refresh\` once more`;
      inProgram(() => void pulumi.log.warn(hint));
    });
  });
}

/** A Deployment that was declared without replicas had them from its autoscaler, too. */
export function wasAutoscaled(deployment: JsonMap): boolean {
  return valueAt(deployment, ...annotation) === "true" || valueAt(deployment, "spec", "replicas") === undefined;
}

async function removeAutoscaler(access: ClusterAccess, deployment: JsonMap): Promise<void> {
  const client = await clusterClient(access);
  const path = `/apis/autoscaling/v2/namespaces/${namespaceOf(deployment)}/horizontalpodautoscalers/${nameOf(deployment)}`;
  await client.request("DELETE", path).catch(ignoreNotFound);
}
