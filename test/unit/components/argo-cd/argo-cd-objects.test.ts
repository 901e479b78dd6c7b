import { expect, test } from "vitest";
import {
  argoCdObjects,
  inNamespace,
  requiredObjects,
  type ArgoCdSettings,
} from "../../../../components/argo-cd/argo-cd-objects.ts";
import { kindOf, nameOf, namespaceOf, type KubernetesObject } from "../../../../kubernetes/object.ts";
import { sampleRelease } from "../../../support/sample-release.ts";

const plain: ArgoCdSettings = { namespace: "argocd", highAvailability: false, rbac: [] };
const commitStatus = { appId: "1", installationId: "2" };

function namesOf(objects: readonly KubernetesObject[], kind: string): string[] {
  return objects.filter((object) => kindOf(object).kind === kind).map(nameOf);
}

function dataOf(settings: Partial<ArgoCdSettings>, name: string): unknown {
  return argoCdObjects(sampleRelease(), { ...plain, ...settings }).find(
    (object) => kindOf(object).kind === "ConfigMap" && nameOf(object) === name,
  )?.["data"];
}

test.each<[what: string, settings: Partial<ArgoCdSettings>, deployments: string[]]>([
  ["neither single sign-on nor notifications", {}, ["argocd-server"]],
  ["single sign-on", { dex: {} }, ["argocd-dex-server", "argocd-server"]],
  ["notifications", { commitStatus }, ["argocd-notifications-controller", "argocd-server"]],
])("with %s there are the parts for that", (_what, settings, deployments) => {
  const objects = argoCdObjects(sampleRelease(), { ...plain, ...settings });
  expect(namesOf(objects, "Deployment")).toEqual(deployments);
  const parts = ["Service", "ServiceAccount", "NetworkPolicy", "ConfigMap"].flatMap((kind) => namesOf(objects, kind));
  expect(parts.some((name) => name.includes("dex"))).toBe("dex" in settings);
  expect(parts.some((name) => name.includes("notifications"))).toBe("commitStatus" in settings);
});

test("the Secret of notifications is not the release's empty one: the program declares it with the key", () => {
  expect(namesOf(argoCdObjects(sampleRelease(), { ...plain, commitStatus }), "Secret")).toEqual(["argocd-secret"]);
});

test.each<[what: string, settings: Partial<ArgoCdSettings>, name: string, data: unknown]>([
  ["nothing", {}, "argocd-cm", { "resource.exclusions": "of the release" }],
  [
    "its address and single sign-on",
    { domain: "argocd.acme.example", dex: { connectors: [{ type: "github" }] } },
    "argocd-cm",
    {
      "resource.exclusions": "of the release",
      url: "https://argocd.acme.example",
      "dex.config": '{"connectors":[{"type":"github"}]}',
    },
  ],
  ["keys of those who sign", { gpgKeys: { AB: "key" } }, "argocd-gpg-keys-cm", { AB: "key" }],
  ["no rights", {}, "argocd-rbac-cm", { "policy.csv": "" }],
  [
    "rights",
    { rbac: ["g, devs, role:admin", "g, ops, role:admin"] },
    "argocd-rbac-cm",
    { "policy.csv": "g, devs, role:admin\ng, ops, role:admin\n" },
  ],
])("%s is set up in %3$s", (_what, settings, name, data) => {
  expect(dataOf(settings, name)).toEqual(data);
});

test("a commit's status is sent by GitHub's App, for every Application", () => {
  const data = Object(dataOf({ commitStatus }, "argocd-notifications-cm"));
  expect(Object.keys(data).toSorted()).toEqual([
    "service.github",
    "subscriptions",
    "template.failed",
    "template.synced",
    "trigger.on-failed",
    "trigger.on-synced",
  ]);
  expect(JSON.parse(data["service.github"])).toEqual({
    appID: "1",
    installationID: "2",
    privateKey: "$github-private-key",
  });
  expect(JSON.parse(data.subscriptions)).toEqual([{ recipients: ["github"], triggers: ["on-synced", "on-failed"] }]);
});

test("in another namespace all that has one is there, and bindings name it", () => {
  const objects = argoCdObjects(sampleRelease(), { ...plain, namespace: "gitops" });
  const withNamespace = (namespace: string): string[] => [
    ...new Set(objects.filter((object) => namespaceOf(object) === namespace).map((object) => kindOf(object).kind)),
  ];
  expect(withNamespace("")).toEqual(["CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"]);
  expect(withNamespace("argocd")).toEqual([]);
  const bindings = objects.filter((object) => kindOf(object).kind.endsWith("RoleBinding"));
  expect(bindings.map(({ subjects }) => subjects)).toEqual(
    bindings.map(() => [{ kind: "ServiceAccount", name: "argocd-application-controller", namespace: "gitops" }]),
  );
});

test("a copy with objects elsewhere, or of kinds of its own, keeps them there", () => {
  const of = (kind: string, name: string, more: KubernetesObject = {}): KubernetesObject => ({
    apiVersion: "v1",
    kind,
    metadata: { name },
    ...more,
  });
  const rbac = "rbac.authorization.k8s.io/v1";
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "tenants.acme.example" },
    spec: { group: "acme.example", names: { kind: "Tenant" }, scope: "Cluster" },
  };
  const copy = [
    of("ServiceAccount", "own"),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "other", namespace: "kube-system" } },
    {
      apiVersion: rbac,
      kind: "RoleBinding",
      metadata: { name: "reader", namespace: "kube-system" },
      subjects: ["own", "other", "unknown"].map((name) => ({ kind: "ServiceAccount", name, namespace: "argocd" })),
    },
    definition,
    { apiVersion: "acme.example/v1", kind: "Tenant", metadata: { name: "acme" } },
    { apiVersion: "acme.example/v1", kind: "Other", metadata: { name: "a" } },
    { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "high" } },
  ];
  const placed = inNamespace(copy, "gitops");
  expect(placed.map((object) => `${kindOf(object).kind} ${namespaceOf(object)}`)).toEqual([
    "ServiceAccount gitops",
    "ServiceAccount kube-system",
    "RoleBinding kube-system",
    "CustomResourceDefinition ",
    "Tenant ",
    "Other gitops",
    "PriorityClass ",
  ]);
  expect(placed[2]?.["subjects"]).toEqual([
    { kind: "ServiceAccount", name: "own", namespace: "gitops" },
    { kind: "ServiceAccount", name: "other", namespace: "kube-system" },
    { kind: "ServiceAccount", name: "unknown", namespace: "argocd" },
  ]);
});

test("the rest is the release's own", () => {
  const release = sampleRelease();
  const before = structuredClone(release);
  const objects = argoCdObjects(release, { ...plain, dex: {}, commitStatus });
  expect(release).toEqual(before);
  const untouched = objects.filter((object) => kindOf(object).kind === "CustomResourceDefinition");
  expect(untouched).toEqual(release.filter((object) => kindOf(object).kind === "CustomResourceDefinition"));
  expect(objects).toHaveLength(release.length - 1);
});

test.each<[what: string, settings: Partial<ArgoCdSettings>, missing: string[]]>([
  ["what is always set up", {}, []],
  ["what notifications need", { commitStatus }, []],
  ["Redis as a cluster", { highAvailability: true }, ["StatefulSet argocd-redis-ha-server"]],
])("a release must have %s", (_what, settings, missing) => {
  const names = new Set(sampleRelease().map((object) => `${kindOf(object).kind} ${nameOf(object)}`));
  const required = requiredObjects({ ...plain, ...settings });
  expect(required).toContain("ConfigMap argocd-cm");
  expect(required.filter((name) => !names.has(name))).toEqual(missing);
});
