import type { Cluster } from "../cluster.ts";
import { builtInPath, collectionPath, resourceOf } from "../discovery.ts";
import { sameValue } from "../diff.ts";
import { conditionOf, listAt, mapAt, nameOf, namespaceOf, stringAt } from "../../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { objectStage, ready, waiting } from "./stage.ts";
import type { Awaiter, Verdict } from "./stage.ts";

/** An awaiter for what one look at the object itself tells. */
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
      : waiting(
          'the Ingress has no address: does an ingress controller serve its class? (pulumi.com/skipAwait: "true" does not wait for it)',
        ),
  true,
);

export const persistentVolumeAwaiter = judgedBy((volume) => {
  const phase = stringAt(volume, "status", "phase");
  return phase === "Available" || phase === "Bound"
    ? ready
    : waiting(`the PersistentVolume is ${phase ?? "not looked at yet"}`);
});

export const resourceQuotaAwaiter = judgedBy((quota) =>
  sameValue(mapAt(quota, "spec", "hard"), mapAt(quota, "status", "hard"))
    ? ready
    : waiting("the ResourceQuota is not in force yet"),
);

export const secretAwaiter = judgedBy((secret) => {
  const awaitsToken =
    secret["type"] === "kubernetes.io/service-account-token" && Object.keys(mapAt(secret, "data")).length === 0;
  return awaitsToken ? waiting("the service account's token is not issued yet") : ready;
});

export const customResourceDefinitionAwaiter = judgedBy((definition) => {
  const refused = conditionOf(definition, "NamesAccepted");
  if (refused?.["status"] === "False")
    return { state: "failed", message: stringAt(refused, "message") ?? "the names are taken" };
  return conditionOf(definition, "Established")?.["status"] === "True"
    ? ready
    : waiting("the API server does not serve the new kind yet");
});

export const persistentVolumeClaimAwaiter: Awaiter = {
  stages: async (cluster, claim) => {
    const waitsForPod = (await bindingMode(cluster, claim)) === "WaitForFirstConsumer";
    const judge = (object: KubernetesObject): Verdict => {
      const phase = stringAt(object, "status", "phase");
      // Until a pod uses it, a claim of such a class stays pending.
      if (phase === "Bound" || (waitsForPod && phase === "Pending")) return ready;
      return waiting(
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
