import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { droppedKinds, droppedKindsRemoval } from "../../../../components/cluster/dropped-kinds.ts";
import { temporaryDirectory } from "../../../../core/atomic-file.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { openMockEngine } from "../../../support/mock-engine.ts";

const group = "rbac.authorization.k8s.io";
const roles = `/apis/${group}/v1/namespaces/shop-dev/roles`;
const role = { group, kind: "Role" };
const service = { group: "", kind: "Service" };
const secret = { group: "", kind: "Secret" };

let cluster: KubernetesStandIn;
let folder: ReturnType<typeof temporaryDirectory>;
let warn: ReturnType<typeof vi.spyOn>;

beforeEach(async () => {
  cluster = await KubernetesStandIn.start();
  folder = temporaryDirectory("dropped-kinds-test-");
  const kubeconfig = join(folder.path, "kubeconfig");
  cluster.writeKubeconfig(kubeconfig);
  vi.stubEnv("KUBECONFIG", kubeconfig);
  await openMockEngine("dev", { values: {}, secretKeys: [] });
  warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue(undefined);
  const known: Record<string, JsonMap> = {
    [`/apis/${group}`]: { preferredVersion: { groupVersion: `${group}/v1` } },
    [`/apis/${group}/v1`]: {
      resources: [
        { kind: "Role", name: "roles/status" },
        { kind: "Role", name: "roles" },
      ],
    },
    "/api/v1": { resources: [{ kind: "Secret", name: "secrets" }] },
  };
  cluster.answer = (path) => known[path];
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await cluster[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

type Kind = { readonly group: string; readonly kind: string };
const allowing = (...kinds: Kind[]): JsonMap => ({
  spec: { namespaceResourceWhitelist: kinds.map((kind) => ({ ...kind })) },
});
const tracked = (name: string, application: string, more: Record<string, string> = {}): JsonMap => ({
  metadata: {
    name,
    annotations: { "argocd.argoproj.io/tracking-id": `${application}:${group}/Role:shop-dev/${name}`, ...more },
  },
});

/** What the engine does when it has updated the AppProject, which allows Services alone from now on. */
async function update(...before: Kind[]): Promise<void> {
  const type = "kubernetes:argoproj.io/v1alpha1:AppProject";
  const [hook] = droppedKindsRemoval({ project: "shop-dev", namespace: "shop-dev", access: {} }).afterUpdate ?? [];
  if (hook === undefined || typeof hook === "function") throw new Error("no hook");
  await hook.callback({
    urn: `urn:pulumi:dev::delivery::${type}::shop-dev`,
    id: "argocd/shop-dev",
    name: "shop-dev",
    type,
    oldInputs: allowing(service, ...before),
    newInputs: allowing(service),
  });
}

test("what a project allows no more has been dropped; a Rollout goes by itself", () => {
  const rollout = { group: "argoproj.io", kind: "Rollout" };
  expect(droppedKinds(allowing(service, role, rollout), allowing(service))).toEqual([role]);
  expect(droppedKinds(allowing(service), allowing(service, role))).toEqual([]);
  expect(droppedKinds(undefined, allowing(role))).toEqual([]);
});

test("what Argo CD has made of a dropped kind is removed; what is others', or is to be left, stays", async () => {
  cluster.lists.set(roles, [
    tracked("own", "shop-dev-cart"),
    tracked("others", "shop-dev2-cart"),
    tracked("kept", "shop-dev-cart", { "argocd.argoproj.io/sync-options": "PruneLast=true,Prune=false" }),
    { metadata: { name: "by-hand" } },
    { metadata: { name: "labelled", labels: { "app.kubernetes.io/instance": "shop-dev-cart" } } },
    { metadata: { name: "of-the-program", labels: { "app.kubernetes.io/instance": "shop-dev" } } },
  ]);
  cluster.lists.set("/api/v1/namespaces/shop-dev/secrets", [tracked("key", "shop-dev-cart")]);
  cluster.deletions.set(`${roles}/own`, 200);
  // The others have gone meanwhile.
  await update(role, secret);
  expect(cluster.deleted).toEqual([`${roles}/own`, `${roles}/labelled`, "/api/v1/namespaces/shop-dev/secrets/key"]);
  expect(warn).not.toHaveBeenCalled();
});

test("a kind, or a group of kinds, that the cluster has no more has no objects", async () => {
  await update({ group, kind: "RoleTemplate" }, { group: "example.com", kind: "Widget" });
  expect(cluster.deleted).toEqual([]);
  expect(warn).not.toHaveBeenCalled();
});

test("nothing is asked where nothing is dropped", async () => {
  await update();
  expect(cluster.asked).toEqual([]);
});

test("what may not be removed is named, with the way out", async () => {
  cluster.lists.set(roles, [tracked("own", "shop-dev-cart")]);
  cluster.deletions.set(`${roles}/own`, 403);
  await update(role);
  expect(warn).toHaveBeenCalledWith(
    expect.stringMatching(/^shop-dev: .*\(Role\) .*namespace shop-dev .*answered 403.*kubectl delete/),
  );
});
