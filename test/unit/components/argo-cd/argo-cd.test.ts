import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { argoCdObjects } from "../../../../components/argo-cd/argo-cd-objects.ts";
import { ArgoCd } from "../../../../components/argo-cd/argo-cd.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { hideSecrets, openEnvelope, openMockEngine, recordRegistrations } from "../../../support/mock-engine.ts";
import { sampleRelease } from "../../../support/sample-release.ts";

const component = "delivery:gitops:ArgoCd::argocd";
const sample = argoCdObjects(sampleRelease(), { namespace: "argocd", highAvailability: false, rbac: [] });

async function declare(objects: readonly KubernetesObject[] | undefined, key?: string) {
  const engine = await openMockEngine("dev", { values: {}, secretKeys: [] });
  const registrations = recordRegistrations();
  const provider = new Provider("shop", { kubeconfig: "" });
  const commitStatusKey = key === undefined ? undefined : pulumi.secret(key);
  new ArgoCd("argocd", { namespace: "argocd", objects, commitStatusKey, provider });
  return { resources: await engine.resources(), registrations };
}

test("another stack's installation is only named", async () => {
  const { resources } = await declare(undefined);
  expect(Object.keys(resources).filter((id) => id.includes("ArgoCd"))).toEqual([component]);
  expect(resources[component]).toEqual({ namespace: "argocd", owned: false });
});

test("every object of the release is declared, with its own provider, under the component", async () => {
  const { resources, registrations } = await declare(sample);
  const declared = [...registrations.values()].filter(({ id }) => id.includes("::argocd:"));
  expect(declared).toHaveLength(sample.length);
  expect(new Set(declared.map(({ parent, provider }) => `${parent} ${provider}`))).toEqual(
    new Set([`${component} pulumi:providers:kubernetes::shop`]),
  );
  expect(resources["delivery:gitops:ArgoCd$kubernetes:apps/v1:Deployment::argocd:argocd/argocd-server"]).toMatchObject({
    metadata: { name: "argocd-server", namespace: "argocd" },
  });
});

test("what the chart of earlier versions has declared has the same name, below the chart", async () => {
  const { registrations } = await declare(sample);
  const declared = [...registrations.values()].filter(({ id }) => id.includes("::argocd:"));
  expect(new Set(declared.flatMap(({ formerParents }) => formerParents))).toEqual(
    new Set(["kubernetes:helm.sh/v4:Chart::argocd"]),
  );
  expect(declared.every(({ formerParents }) => formerParents.length === 1)).toBe(true);
  expect([...registrations.keys()]).toEqual(
    expect.arrayContaining([
      "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition::argocd:applications.argoproj.io",
      "kubernetes:core/v1:ConfigMap::argocd:argocd/argocd-cm",
      "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole::argocd:argocd-application-controller",
    ]),
  );
});

test("workloads come after rights, settings and definitions, and wait for no Service, which waits for them", async () => {
  const { registrations } = await declare(sample);
  const { dependsOn = [] } = registrations.get("kubernetes:apps/v1:Deployment::argocd:argocd/argocd-server") ?? {};
  const kinds = [...new Set(dependsOn.map((id) => id.replace(/^.*:(\w+)::.*$/, "$1")))].toSorted();
  expect(kinds).toEqual([
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CustomResourceDefinition",
    "Namespace",
    "Role",
    "RoleBinding",
    "Secret",
    "ServiceAccount",
  ]);
  const service = registrations.get("kubernetes:core/v1:Service::argocd:argocd/argocd-server");
  expect(service?.dependsOn).toEqual([
    "kubernetes:core/v1:Namespace::argocd",
    "kubernetes:core/v1:Secret::argocd-redis",
  ]);
});

test("what a release has in its Secrets is one, and so is the key of the GitHub App", async () => {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "given", namespace: "argocd" },
    data: { a: "aHVudGVyMg==" },
  };
  const { resources } = await declare([...sample, secret], "hunter3");
  const shown = JSON.stringify(hideSecrets(resources));
  const notifications = resources["delivery:gitops:ArgoCd$kubernetes:core/v1:Secret::argocd-notifications-secret"];
  expect(openEnvelope(notifications?.["stringData"])).toEqual({ "github-private-key": "hunter3" });
  expect(shown).toContain('"data":"[secret]"');
  expect(shown).not.toContain("aHVudGVyMg==");
  expect(shown).not.toContain("hunter3");
});
