import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WorkloadChanges } from "../../../../cli/verification/workload-changes.ts";
import type { KubernetesClient } from "../../../../kubernetes/client.ts";
import { ApiError } from "../../../../kubernetes/errors.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";

function workload(name: string, available: boolean): JsonMap {
  return {
    metadata: { name, generation: 1 },
    spec: { replicas: 1, template: { spec: { containers: [{ name, image: `shop-${name}@sha256:1` }] } } },
    status: {
      observedGeneration: 1,
      replicas: 1,
      updatedReplicas: 1,
      // That of a Rollout says it in one word.
      phase: available ? "Healthy" : "Progressing",
      ...(available ? { availableReplicas: 1, readyReplicas: 1 } : {}),
    },
  };
}

/** A cluster whose watches of one kind give these events, one at a time; and which refuses all others. */
function clusterOf(plural: string, events: AsyncIterable<JsonMap>) {
  const asked: string[] = [];
  const client: Pick<KubernetesClient, "watch"> = {
    async *watch(path) {
      asked.push(path);
      if (!path.endsWith(`/${plural}`)) throw new ApiError("forbidden", { status: 403, reason: "Forbidden" });
      yield* events;
    },
  };
  // Nothing else is asked of it.
  return { asked, client: () => client as KubernetesClient };
}

async function woken(objects: readonly JsonMap[], plural = "deployments"): Promise<boolean> {
  const given = Promise.withResolvers<void>();
  async function* events(): AsyncGenerator<JsonMap> {
    for (const object of objects) yield { type: "MODIFIED", object };
    given.resolve();
    await new Promise(() => undefined);
  }
  const cluster = clusterOf(plural, events());
  using changes = new WorkloadChanges([{ client: cluster.client, namespace: "shop-dev" }], new Set(["cart"]));
  let isWoken = false;
  void changes.next.then(() => (isWoken = true));
  await given.promise;
  await sleep(0);
  expect(cluster.asked).toEqual([
    "/apis/apps/v1/namespaces/shop-dev/deployments",
    "/apis/apps/v1/namespaces/shop-dev/statefulsets",
    "/apis/argoproj.io/v1alpha1/namespaces/shop-dev/rollouts",
  ]);
  return isWoken;
}

test.each(["deployments", "statefulsets", "rollouts"])(
  "who waits is woken once one of its %s turns well",
  async (plural) => {
    expect(await woken([workload("cart", false), workload("cart", true)], plural)).toBe(true);
  },
);

test.each([
  ["by what is so from the start", [workload("cart", true)]],
  ["by what stays as it is", [workload("cart", true), workload("cart", true)]],
  ["while a rollout goes on", [workload("cart", true), workload("cart", false)]],
  ["by a service that nobody waits for", [workload("user", false), workload("user", true)]],
])("and not %s", async (_, objects) => {
  expect(await woken(objects)).toBe(false);
});
