import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { liveObjects } from "../../../../cli/drift/cluster-check.ts";
import { openCluster } from "../../../../cli/project/cluster.ts";
import { KubernetesStandIn } from "../../../support/kubernetes-stand-in.ts";

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
