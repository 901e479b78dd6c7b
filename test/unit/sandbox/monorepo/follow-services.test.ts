import { expect, test } from "vitest";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import {
  followServices,
  podTrouble,
  type FollowArgs,
  type ServiceState,
} from "../../../../sandbox/monorepo/follow-services.ts";
import type { KubernetesClient } from "../../../../kubernetes/client.ts";

const pod = (status: JsonMap, service = "cart", digest = "sha256:1"): JsonMap => ({
  metadata: { name: `${service}-1`, labels: { "app.kubernetes.io/name": service } },
  spec: { containers: [{ name: service, image: `r/${service}@${digest}` }] },
  status,
});
const container = (state: JsonMap, more: JsonMap = {}): JsonMap => ({
  containerStatuses: [{ name: "cart", state, ...more }],
});

test.each<[what: string, status: JsonMap, isStuck: boolean, reason: RegExp]>([
  [
    "an image that cannot be pulled",
    container({ waiting: { reason: "ImagePullBackOff", message: "not found" } }),
    true,
    /^ImagePullBackOff: not found$/,
  ],
  [
    "a Secret that is not there",
    container({ waiting: { reason: "CreateContainerConfigError" } }),
    true,
    /no more is known/,
  ],
  ["a container that is being made", container({ waiting: { reason: "ContainerCreating" } }), false, /is not ready/],
  [
    "a first crash",
    container({ terminated: { reason: "Error", exitCode: 3 } }),
    false,
    /ends with exit status 3 \(started once\)$/,
  ],
  [
    "many crashes",
    container(
      { waiting: { reason: "CrashLoopBackOff" } },
      { restartCount: 4, lastState: { terminated: { reason: "Error", exitCode: 1 } } },
    ),
    true,
    /exit status 1 \(started 5 times\)/,
  ],
  [
    "too much memory",
    container(
      { waiting: { reason: "CrashLoopBackOff" } },
      { restartCount: 5, lastState: { terminated: { reason: "OOMKilled", exitCode: 137 } } },
    ),
    true,
    /137: it takes more memory than resources\.limits allow/,
  ],
  [
    "no node",
    { conditions: [{ type: "PodScheduled", status: "False", message: "Insufficient cpu" }] },
    false,
    /^Insufficient cpu$/,
  ],
  ["one that answers no probe", container({ running: {} }), false, /does it listen on its port/],
])("%s", (_what, status, isStuck, reason) => {
  expect(podTrouble(pod(status))).toEqual({ isStuck, reason: expect.stringMatching(reason) });
});

const deployment = (service: string, isReady: boolean): JsonMap => ({
  metadata: { name: service, generation: 1 },
  spec: { replicas: 1, template: { spec: { containers: [{ name: service, image: `r/${service}@sha256:1` }] } } },
  status: isReady
    ? { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 }
    : { observedGeneration: 1, replicas: 1, updatedReplicas: 1, unavailableReplicas: 1 },
});

interface Objects {
  deployments: JsonMap[];
  pods: JsonMap[];
  sets?: JsonMap[];
}

function itemsAt(path: string, { deployments, pods, sets = [] }: Objects): JsonMap[] {
  if (path.endsWith("/pods")) return pods;
  if (path.endsWith("/rollouts")) return [];
  return path.endsWith("/statefulsets") ? sets : deployments;
}

async function follow(objects: Objects, more: Partial<FollowArgs> = {}): Promise<ServiceState[]> {
  const kubernetes = {
    request: (_method: string, path: string) => Promise.resolve({ items: itemsAt(path, objects) }),
  };
  const states: ServiceState[] = [];
  await followServices({
    // Of the client, nothing but its requests is used.
    kubernetes: kubernetes as unknown as KubernetesClient,
    location: { app: "shop", environment: "sandbox", namespace: "shop-sandbox", argoCdNamespace: "argocd" },
    released: new Map(objects.deployments.map((one) => [String(Object(one["metadata"]).name), "sha256:1"])),
    absent: new Map(),
    dependencies: new Map(),
    onState: (state) => states.push(state),
    limitSeconds: 0,
    ...more,
  });
  return states;
}

test("tells what runs, and of what does not why", async () => {
  const stuck = container({ waiting: { reason: "ImagePullBackOff", message: "no such image" } });
  expect(
    await follow({ deployments: [deployment("cart", false), deployment("user", true)], pods: [pod(stuck)] }),
  ).toEqual([{ service: "cart", reason: "ImagePullBackOff: no such image" }, { service: "user" }]);
});

test("what waits for a dependency that cannot run is said to, and holds up nobody", async () => {
  const running = container({ running: {} });
  const states = await follow(
    { deployments: [deployment("cart", false), deployment("user", true)], pods: [pod(running)] },
    {
      absent: new Map([["cart-db", "postgres:17 cannot be pulled"]]),
      dependencies: new Map([["cart", ["cart-db"]]]),
      limitSeconds: 600,
      graceSeconds: 0,
    },
  );
  expect(states.toReversed()).toEqual([
    { service: "user" },
    { service: "cart", reason: expect.stringMatching(/^waits for cart-db: postgres:17 cannot be pulled \(it runs/) },
  ]);
});

test("a StatefulSet runs once all its pods are ready", async () => {
  const set = (ready: number): JsonMap => ({
    ...deployment("cart", false),
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: ready },
  });
  const released = new Map([["cart", "sha256:1"]]);
  expect(await follow({ deployments: [], sets: [set(1)], pods: [] }, { released })).toEqual([{ service: "cart" }]);
  expect(await follow({ deployments: [], sets: [set(0)], pods: [] }, { released })).toMatchObject([
    { service: "cart", reason: expect.any(String) },
  ]);
});

test("an image that Argo CD has not brought yet does not run", async () => {
  const old = deployment("cart", true);
  const states = await follow({ deployments: [old], pods: [] }, { released: new Map([["cart", "sha256:2"]]) });
  expect(states).toEqual([{ service: "cart", reason: "Argo CD has not brought its image to the cluster yet" }]);
});
