import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { clusterCheck, liveObjects } from "../../../../cli/drift/cluster-check.ts";
import { openCluster } from "../../../../cli/project/cluster.ts";
import { withValue } from "../../../../kubernetes/object.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";
import { runningService } from "../../../support/sample-running-service.ts";

const digest = `sha256:${"1".repeat(64)}`;

test("of a namespace, what people have put there counts, and not what a cluster puts into all of them", async () => {
  await using cluster = await KubernetesStandIn.start();
  const directory = mkdtempSync(join(tmpdir(), "live-objects-"));
  const kubeconfig = join(directory, "kubeconfig");
  cluster.writeKubeconfig(kubeconfig);
  const named = (...names: string[]) => names.map((name) => ({ metadata: { name } }));
  const owner = { kind: "ReplicaSet", name: "link" };
  const core = "/api/v1/namespaces/shop-dev";
  cluster.lists.set(`${core}/serviceaccounts`, named("default", "builder", "deployer", "pipeline", "by-hand"));
  cluster.lists.set(
    `${core}/configmaps`,
    named("kube-root-ca.crt", "istio-ca-root-cert", "istio-ca-crl", "openshift-service-ca.crt", "builder"),
  );
  cluster.lists.set(`${core}/pods`, [{ metadata: { name: "link-1", ownerReferences: [owner] } }, ...named("debug")]);
  const objects = await liveObjects(
    openCluster({ KUBECONFIG: kubeconfig }, undefined),
    "shop-dev",
    new AbortController().signal,
  );
  rmSync(directory, { recursive: true });
  expect(new Set(objects.keys())).toEqual(new Set(["ServiceAccount/by-hand", "ConfigMap/builder", "Pod/debug"]));
});

test("a Rollout that may not be read is said to be unknown, and no finding", async () => {
  await using cluster = await KubernetesStandIn.start();
  const directory = mkdtempSync(join(tmpdir(), "hidden-rollout-"));
  cluster.writeKubeconfig(join(directory, "kubeconfig"));
  const { application } = runningService("link", digest, "2026-01-01T10:00:00Z");
  cluster.lists.set("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications", [
    withValue(application, ["status", "resources"], [{ kind: "Rollout", name: "link", status: "Synced" }]),
  ]);
  cluster.lists.set("/apis/apps/v1/namespaces/shop-dev/deployments", []);
  cluster.refused.add("/apis/argoproj.io/v1alpha1/namespaces/shop-dev/rollouts");
  const location = { app: "shop", environment: "dev", namespace: "shop-dev", argoCdNamespace: "argocd" };
  const records = new Map([["link", { image: { repository: "docker.io/acme/shop-link", digest } }]]);
  const check = await clusterCheck(
    openCluster({ KUBECONFIG: join(directory, "kubeconfig") }, undefined),
    { ...location, delivery: "gitops", records, declared: new Set() },
    new AbortController().signal,
  );
  rmSync(directory, { recursive: true });
  expect(check).toMatchObject({
    state: "unknown",
    findings: [],
    reason: expect.stringMatching(/^the Rollout of link cannot be read/),
  });
});
