import { setTimeout as sleep } from "node:timers/promises";
import { deploymentFacts, type DeploymentFacts } from "../../cli/status/cluster-facts.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { listAt, stringAt } from "../../kubernetes/object.ts";

/** A service on the cluster. */
export interface RolloutPlace {
  readonly kubernetes: KubernetesClient;
  readonly namespace: string;
  readonly service: string;
}

const pollMilliseconds = 50;

/** How the service's Deployment is. */
async function deploymentOf({ kubernetes, namespace, service }: RolloutPlace): Promise<DeploymentFacts> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${service}`;
  return deploymentFacts(await kubernetes.request("GET", path));
}

/**
 * Waits until the Deployment wants a digest.
 * @throws Error if `signal` ends the waiting
 */
export async function untilWanted(place: RolloutPlace, digest: string, signal: AbortSignal): Promise<void> {
  while (!(await deploymentOf(place)).image.endsWith(digest)) await sleep(pollMilliseconds, undefined, { signal });
}

/**
 * Waits until only pods of a digest are left, and all are ready.
 * @returns their names
 */
export async function untilRolledOut(place: RolloutPlace, digest: string, signal: AbortSignal): Promise<string[]> {
  const { kubernetes, namespace, service } = place;
  for (;;) {
    const facts = await deploymentOf(place);
    if (facts.health === "Healthy" && facts.image.endsWith(digest)) {
      const query = { labelSelector: `app.kubernetes.io/name=${service}` };
      const pods = await kubernetes.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query });
      const living = listAt(pods, "items").filter(
        (pod) => stringAt(pod, "metadata", "deletionTimestamp") === undefined,
      );
      return living.map((pod) => stringAt(pod, "metadata", "name") ?? "");
    }
    await sleep(pollMilliseconds, undefined, { signal });
  }
}
