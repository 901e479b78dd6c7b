import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readWorkloads } from "../../../../cli/status/cluster-status.ts";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { kubernetesClient } from "../../../../sandbox/machine/kubernetes-client.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";

let cluster: KubernetesStandIn;
let folder: ReturnType<typeof temporaryDirectory>;

beforeEach(async () => {
  cluster = await KubernetesStandIn.start();
  folder = temporaryDirectory("cluster-status-test-");
  cluster.writeKubeconfig(join(folder.path, "kubeconfig"));
});
afterEach(async () => {
  await cluster[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

const location = { app: "shop", environment: "dev", namespace: "shop-dev", argoCdNamespace: "argocd" };
const deployment = (available: number): JsonMap => ({
  metadata: { name: "cart", generation: 1 },
  spec: { replicas: 1, template: { spec: { containers: [{ name: "cart", image: "cart@sha256:0" }] } } },
  status: { observedGeneration: 1, replicas: 1, updatedReplicas: available, availableReplicas: available },
});
const route = (status: string): JsonMap => ({
  metadata: { name: "cart", generation: 1 },
  status: { parents: [{ conditions: [{ type: "Accepted", status, reason: "NoMatchingParent" }] }] },
});

test.each<[what: string, available: number, routes: Record<string, JsonMap[]>, health: string, message: RegExp]>([
  ["without the Gateway API", 1, {}, "Healthy", /^none$/],
  ["with a route that the Gateway has accepted", 1, { httproutes: [route("True")] }, "Healthy", /^none$/],
  [
    "with a route that the Gateway refuses",
    1,
    { httproutes: [route("False")] },
    "Degraded",
    /^not reachable from outside: its route is refused \(NoMatchingParent\); .*correct cluster.gateway.listener$/,
  ],
  ["with such a route of gRPC", 1, { httproutes: [], grpcroutes: [route("False")] }, "Degraded", /^not reachable/],
  ["whose pods are not there yet, either", 0, { httproutes: [route("False")] }, "Progressing", /^0 of 1 new pods/],
])("a service %s", async (_what, available, routes, health, message) => {
  cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", [deployment(available)]);
  for (const [plural, items] of Object.entries(routes))
    cluster.lists.set(`/apis/gateway.networking.k8s.io/v1/namespaces/shop-dev/${plural}`, items);
  const client = kubernetesClient(join(folder.path, "kubeconfig"));
  const [status] = await readWorkloads(client, location, AbortSignal.timeout(10_000));
  expect(status).toMatchObject({ service: "cart", health });
  expect(status?.message ?? "none").toMatch(message);
});

test("a Rollout of Argo Rollouts is what counts of a service that still has its Deployment", async () => {
  const { spec } = deployment(0);
  const rollout = {
    metadata: { name: "cart", generation: 1 },
    spec: spec ?? {},
    status: { observedGeneration: "1", phase: "Healthy" },
  };
  cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", [deployment(0)]);
  cluster.lists.set("/apis/argoproj.io/v1alpha1/namespaces/shop-dev/rollouts", [rollout]);
  const client = kubernetesClient(join(folder.path, "kubeconfig"));
  expect(await readWorkloads(client, location, AbortSignal.timeout(10_000))).toMatchObject([
    { service: "cart", health: "Healthy" },
  ]);
});

test("who may not see Rollouts, of which most clusters have none, sees the rest", async () => {
  cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", [deployment(1)]);
  cluster.refused.add("/apis/argoproj.io/v1alpha1/namespaces/shop-dev/rollouts");
  const client = kubernetesClient(join(folder.path, "kubeconfig"));
  expect(await readWorkloads(client, location, AbortSignal.timeout(10_000))).toMatchObject([
    { service: "cart", health: "Healthy" },
  ]);
});
