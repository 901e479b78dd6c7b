import { isDeepStrictEqual } from "node:util";
import {
  conditionOf,
  listAt,
  mapAt,
  nameOf,
  namespaceOf,
  stringAt,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { builtInPath, collectionPath, resourceOf } from "./discovery.ts";
import { latest } from "./server-side-apply.ts";
import type { Cluster } from "./session.ts";
import { objectStage, pending, ready, type Awaiter, type Stage, type Verdict } from "./watch.ts";
import { podReasons } from "./workload-readiness.ts";

/** Seconds after which a Service without pods counts as ready, unless its endpoints change; the official provider's figure. */
const settleSeconds = 10;

function judgeLoadBalancer(service: KubernetesObject): Verdict {
  return listAt(service, "status", "loadBalancer", "ingress").length > 0
    ? ready
    : pending("the Service has no address of a load balancer: does the cluster provide them?");
}

/** Ready when each pod behind the Service is; one that selects no pods at all is, after a while, ready too. */
export function judgeEndpoints(slices: readonly KubernetesObject[]): Verdict {
  const endpoints = slices.flatMap((slice) => listAt(slice, "endpoints"));
  const notReady = endpoints.filter(
    (endpoint) =>
      mapAt(endpoint, "conditions")["ready"] === false && mapAt(endpoint, "conditions")["terminating"] !== true,
  );
  if (notReady.length > 0)
    return pending(`${notReady.length} of ${endpoints.length} pods behind the Service are not ready`);
  if (slices.length === 0)
    return pending("the Service has no endpoints yet: does its selector match the labels of any pod?");
  return endpoints.length > 0 ? ready : { state: "settled", seconds: settleSeconds };
}

export const serviceAwaiter: Awaiter = {
  onRead: true,
  stages: (_cluster, service) => {
    const [namespace, name] = [namespaceOf(service), nameOf(service)];
    const type = stringAt(service, "spec", "type") ?? "ClusterIP";
    const address: Stage[] =
      type === "LoadBalancer" ? [objectStage(builtInPath("v1", "services", namespace), name, judgeLoadBalancer)] : [];
    const withoutPods =
      type === "ExternalName" ||
      stringAt(service, "spec", "clusterIP") === "None" ||
      Object.keys(mapAt(service, "spec", "selector")).length === 0;
    if (withoutPods) return address;
    const slices = builtInPath("discovery.k8s.io/v1", "endpointslices", namespace);
    return [...address, { path: slices, labelSelector: `kubernetes.io/service-name=${name}`, judge: judgeEndpoints }];
  },
};

/** An awaiter for objects whose own status says whether they are ready. */
function judgedBy(judge: (object: KubernetesObject) => Verdict, onRead = false): Awaiter {
  return {
    onRead,
    stages: async (cluster, object) => {
      const resource = await resourceOf(cluster.discovery, object);
      return [objectStage(collectionPath(resource, namespaceOf(object)), nameOf(object), judge)];
    },
  };
}

export const ingressAwaiter = judgedBy(
  (ingress) =>
    listAt(ingress, "status", "loadBalancer", "ingress").length > 0
      ? ready
      : pending(
          'the Ingress has no address: does an ingress controller serve its class? (pulumi.com/skipAwait: "true" does not wait for it)',
        ),
  true,
);

export const persistentVolumeAwaiter = judgedBy((volume) => {
  const phase = stringAt(volume, "status", "phase");
  return phase === "Available" || phase === "Bound"
    ? ready
    : pending(`the PersistentVolume is ${phase ?? "not looked at yet"}`);
});

export const resourceQuotaAwaiter = judgedBy((quota) =>
  isDeepStrictEqual(mapAt(quota, "spec", "hard"), mapAt(quota, "status", "hard"))
    ? ready
    : pending("the ResourceQuota is not in force yet"),
);

export const secretAwaiter = judgedBy((secret) => {
  const awaitsToken =
    secret["type"] === "kubernetes.io/service-account-token" && Object.keys(mapAt(secret, "data")).length === 0;
  return awaitsToken ? pending("the service account's token is not issued yet") : ready;
});

export const customResourceDefinitionAwaiter = judgedBy((definition) => {
  const refused = conditionOf(definition, "NamesAccepted");
  if (refused?.["status"] === "False")
    return { state: "failed", message: stringAt(refused, "message") ?? "the names are taken" };
  return conditionOf(definition, "Established")?.["status"] === "True"
    ? ready
    : pending("the API server does not serve the new kind yet");
});

export const persistentVolumeClaimAwaiter: Awaiter = {
  stages: async (cluster, claim) => {
    const waitsForPod = (await bindingMode(cluster, claim)) === "WaitForFirstConsumer";
    const judge = (object: KubernetesObject): Verdict => {
      const phase = stringAt(object, "status", "phase");
      // Until a pod uses it, a claim of such a class stays pending.
      if (phase === "Bound" || (waitsForPod && phase === "Pending")) return ready;
      return pending(
        `the PersistentVolumeClaim is ${phase ?? "not looked at yet"}: is there a volume or a storage class for it?`,
      );
    };
    return [objectStage(builtInPath("v1", "persistentvolumeclaims", namespaceOf(claim)), nameOf(claim), judge)];
  },
};

async function bindingMode(cluster: Cluster, claim: KubernetesObject): Promise<string | undefined> {
  const name = stringAt(claim, "spec", "storageClassName");
  if (!name) return undefined;
  try {
    const storageClass = await cluster.client.request(
      "GET",
      `/apis/storage.k8s.io/v1/storageclasses/${encodeURIComponent(name)}`,
    );
    return stringAt(storageClass, "volumeBindingMode");
  } catch {
    // A class that is not there, or may not be read, tells nothing about the claim.
    return undefined;
  }
}

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
