import type { KubernetesClient } from "../../kubernetes/client.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import { listAt, nameOf } from "../../kubernetes/object.ts";

/** What people put into a namespace by hand, and where lists of it are. Secrets are left out: lists of them hold their values. */
const lists: readonly (readonly [kind: string, path: (namespace: string) => string])[] = [
  ["ServiceAccount", core("serviceaccounts")],
  ["ConfigMap", core("configmaps")],
  ["PersistentVolumeClaim", core("persistentvolumeclaims")],
  ["Service", core("services")],
  ["Pod", core("pods")],
  ["Deployment", grouped("apps/v1", "deployments")],
  ["StatefulSet", grouped("apps/v1", "statefulsets")],
  ["DaemonSet", grouped("apps/v1", "daemonsets")],
  ["Job", grouped("batch/v1", "jobs")],
  ["CronJob", grouped("batch/v1", "cronjobs")],
  ["NetworkPolicy", grouped("networking.k8s.io/v1", "networkpolicies")],
  ["Ingress", grouped("networking.k8s.io/v1", "ingresses")],
  ["PodDisruptionBudget", grouped("policy/v1", "poddisruptionbudgets")],
  ["HorizontalPodAutoscaler", grouped("autoscaling/v2", "horizontalpodautoscalers")],
];

/** What a cluster's own controllers put into every namespace, without an owner to tell them by. */
const builtIn = new Set([
  // Kubernetes
  "ServiceAccount/default",
  "ConfigMap/kube-root-ca.crt",
  // Istio
  "ConfigMap/istio-ca-root-cert",
  "ConfigMap/istio-ca-crl",
  // OpenShift
  "ServiceAccount/builder",
  "ServiceAccount/deployer",
  "ConfigMap/openshift-service-ca.crt",
  // OpenShift Pipelines
  "ServiceAccount/pipeline",
  "ConfigMap/config-service-cabundle",
  "ConfigMap/config-trusted-cabundle",
]);

/** The objects in a namespace that no other object has made, as `Kind/name`. */
export async function liveObjects(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Set<string>> {
  const found = await Promise.all(
    lists.map(async ([kind, path]) => {
      const list = await client.request("GET", path(namespace), { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return {};
        throw error;
      });
      return listAt(list, "items")
        .filter((object) => listAt(object, "metadata", "ownerReferences").length === 0)
        .map((object) => `${kind}/${nameOf(object)}`);
    }),
  );
  return new Set(found.flat().filter((object) => !builtIn.has(object)));
}

function core(plural: string): (namespace: string) => string {
  return (namespace) => `/api/v1/namespaces/${namespace}/${plural}`;
}

function grouped(group: string, plural: string): (namespace: string) => string {
  return (namespace) => `/apis/${group}/namespaces/${namespace}/${plural}`;
}
