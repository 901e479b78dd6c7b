import type { Cluster } from "../cluster.ts";
import { builtInPath } from "../discovery.ts";
import { latest } from "../apply.ts";
import { listAt, mapAt, stringAt } from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { podReasons } from "./pods.ts";

/** Workloads whose pods can say why an Application is not healthy. */
const workloads: Readonly<Record<string, string>> = {
  Deployment: "deployments",
  StatefulSet: "statefulsets",
  DaemonSet: "daemonsets",
};

/** Why an Application of Argo CD is not synced or not healthy: its conditions, its last sync, and the pods of its workloads. */
export async function applicationReasons(cluster: Cluster, application: KubernetesObject): Promise<string[]> {
  const live = await latest(cluster, application);
  if (Object.keys(mapAt(live, "status")).length === 0)
    return ["Argo CD has not looked at it yet: does its application controller run?"];
  const conditions = listAt(live, "status", "conditions").map(
    (condition) => `${stringAt(condition, "type") ?? "condition"}: ${stringAt(condition, "message") ?? ""}`,
  );
  const pods = await Promise.all(
    listAt(live, "status", "resources")
      .filter(({ group, kind }) => group === "apps" && typeof kind === "string" && kind in workloads)
      .map((resource) => workloadReasons(cluster, resource)),
  );
  return [...conditions, ...syncReasons(live), ...healthReasons(live), ...pods.flat()];
}

function syncReasons(live: KubernetesObject): string[] {
  const phase = stringAt(live, "status", "operationState", "phase");
  if (phase === undefined || phase === "Succeeded") return [];
  const failed = listAt(live, "status", "operationState", "syncResult", "resources")
    .filter(({ status }) => status === "SyncFailed")
    .map(
      (resource) =>
        `${stringAt(resource, "kind") ?? ""} ${stringAt(resource, "name") ?? ""}: ${stringAt(resource, "message") ?? ""}`,
    );
  return [`its last sync is ${phase}: ${stringAt(live, "status", "operationState", "message") ?? ""}`, ...failed];
}

function healthReasons(live: KubernetesObject): string[] {
  const message = stringAt(live, "status", "health", "message");
  const parts = listAt(live, "status", "resources").flatMap((resource) => {
    const said = stringAt(resource, "health", "message");
    return said === undefined
      ? []
      : [`${stringAt(resource, "kind") ?? ""} ${stringAt(resource, "name") ?? ""}: ${said}`];
  });
  return message === undefined ? parts : [message, ...parts];
}

async function workloadReasons(cluster: Cluster, resource: KubernetesObject): Promise<string[]> {
  const path = builtInPath(
    "apps/v1",
    workloads[stringAt(resource, "kind") ?? ""] ?? "",
    stringAt(resource, "namespace") ?? "",
  );
  const workload = await cluster.client.request(
    "GET",
    `${path}/${encodeURIComponent(stringAt(resource, "name") ?? "")}`,
  );
  return podReasons(cluster, { ...workload, kind: stringAt(resource, "kind") ?? "" });
}
