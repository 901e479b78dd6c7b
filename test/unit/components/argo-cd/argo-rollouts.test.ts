import { expect, test } from "vitest";
import { parse } from "yaml";
import { argoRolloutsObjects } from "../../../../components/argo-cd/argo-rollouts.ts";

const container = { name: "argo-rollouts", image: "quay.io/argoproj/argo-rollouts:latest", args: ["--x"] };
const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "argo-rollouts" } };
const binding = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: "argo-rollouts" },
  subjects: [{ kind: "ServiceAccount", name: "argo-rollouts", namespace: "argo-rollouts" }],
};
const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "argo-rollouts" },
  spec: { template: { spec: { serviceAccountName: "argo-rollouts", containers: [container] } } },
};
const release = [account, binding, deployment];
const imageOf = (objects: ReturnType<typeof argoRolloutsObjects>): unknown =>
  Object(objects[2]?.["spec"]).template.spec.containers[0].image;

test("the file at the release's tag runs `latest`: the image is that of the version", () => {
  const objects = argoRolloutsObjects(release, { namespace: "rollouts" });
  expect(imageOf(objects)).toBe("quay.io/argoproj/argo-rollouts:v1.10.2");
  expect(objects[2]).toMatchObject({
    spec: { template: { spec: { serviceAccountName: "argo-rollouts", containers: [{ args: ["--x"] }] } } },
  });
  expect(imageOf(argoRolloutsObjects(release, { namespace: "rollouts", version: "1.9.1" }))).toMatch(/:v1\.9\.1$/);
});

test("a copy of a release is taken as it is", () =>
  expect(imageOf(argoRolloutsObjects(release, { namespace: "rollouts", manifests: "copy.yaml" }))).toMatch(/:latest$/));

test("all of it is in its namespace, and rights are those of the account there", () => {
  const [home, rights] = argoRolloutsObjects(release, { namespace: "rollouts" });
  expect(home).toMatchObject({ metadata: { namespace: "rollouts" } });
  expect(rights).toMatchObject({ subjects: [{ name: "argo-rollouts", namespace: "rollouts" }] });
});

test("the plugin for routes is in its configuration, with the rights that it needs, and the controller starts anew", () => {
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "argo-rollouts-config" }, data: { a: "b" } };
  const gatewayPlugin = { location: "https://acme.example/plugin", sha256: "0".repeat(64) };
  const objects = argoRolloutsObjects([...release, config], { namespace: "rollouts", gatewayPlugin });
  const of = (kind: string, name: string): unknown =>
    objects.find((object) => object["kind"] === kind && Object(object["metadata"]).name === name);
  const { data } = Object(of("ConfigMap", "argo-rollouts-config"));
  expect(data.a).toBe("b");
  expect(parse(data.trafficRouterPlugins)).toEqual([{ name: "argoproj-labs/gatewayAPI", ...gatewayPlugin }]);
  expect(of("Deployment", "argo-rollouts")).toMatchObject({
    spec: { template: { metadata: { annotations: { "delivery/gateway-plugin": gatewayPlugin.sha256 } } } },
  });
  expect(of("ClusterRole", "argo-rollouts-gateway-routes")).toMatchObject({
    rules: [{ apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes", "grpcroutes"] }],
  });
  expect(of("ClusterRoleBinding", "argo-rollouts-gateway-routes")).toMatchObject({
    roleRef: { name: "argo-rollouts-gateway-routes" },
    subjects: [{ name: "argo-rollouts", namespace: "rollouts" }],
  });
  // A release that brings no configuration gets one.
  const without = argoRolloutsObjects(release, { namespace: "rollouts", gatewayPlugin });
  expect(without.filter(({ kind }) => kind === "ConfigMap")).toHaveLength(1);
});
