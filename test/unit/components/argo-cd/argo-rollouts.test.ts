import { expect, test } from "vitest";
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
