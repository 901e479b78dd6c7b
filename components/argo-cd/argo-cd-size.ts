import { createHash } from "node:crypto";
import { listAt, stringAt, withValue, type KubernetesObject } from "../../kubernetes/object.ts";

/** The ConfigMap whose values Argo CD's parts have as environment variables, which they read once, at their start. */
export const parametersConfigMap = "argocd-cmd-params-cm";

/** Argo CD's own defaults are made for some hundreds of Applications, and each environment has one for each service. */
const servicesOfSmallStack = 100;
/** An installation usually serves some environments of a monorepo, and knows of its own alone. */
const environments = 3;

/**
 * By which Argo CD compares and syncs more Applications at the same time, so that a commit that concerns all of them is rolled
 * out in one go: by the number of services, in the proportions that its makers use for a thousand Applications.
 * Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/high_availability/
 * @returns key → value of the ConfigMap; none for a small stack
 */
export function sizeParameters(services: number): Readonly<Record<string, string>> {
  if (services <= servicesOfSmallStack) return {};
  const applications = services * environments;
  const perThousand = (number: number, least: number): number =>
    Math.max(least, Math.ceil((applications * number) / 1000));
  const numbers = {
    "controller.status.processors": perThousand(50, 20),
    "controller.operation.processors": perThousand(25, 10),
    "controller.kubectl.parallelism.limit": perThousand(40, 20),
    // Requests per second; a sync makes some dozen.
    "controller.k8s.client.qps": perThousand(100, 50),
    "controller.k8s.client.burst": perThousand(200, 100),
    // Each renders by a process of its own: as many as there are comparisons would take gigabytes.
    "reposerver.parallelism.limit": 20,
    // What waits for its turn there is not late.
    "controller.repo.server.timeout.seconds": 180,
  };
  return Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, String(value)]));
}

/** Starts the pods of a workload anew whenever a parameter has changed that they read. */
export function restartedFor(
  parameters: Readonly<Record<string, string>>,
  workload: KubernetesObject,
): KubernetesObject {
  const read = Object.entries(parameters).filter(([key]) => parametersOf(workload).has(key));
  if (read.length === 0) return workload;
  const checksum = createHash("sha256").update(JSON.stringify(read)).digest("hex").slice(0, 16);
  return withValue(workload, ["spec", "template", "metadata", "annotations", "delivery/config-checksum"], checksum);
}

/** The keys of the ConfigMap that a workload's containers have as environment variables. */
function parametersOf(workload: KubernetesObject): ReadonlySet<string> {
  const variables = listAt(workload, "spec", "template", "spec", "containers").flatMap((container) =>
    listAt(container, "env"),
  );
  const path = ["valueFrom", "configMapKeyRef"] as const;
  return new Set(
    variables.flatMap((variable) =>
      stringAt(variable, ...path, "name") === parametersConfigMap ? (stringAt(variable, ...path, "key") ?? []) : [],
    ),
  );
}
