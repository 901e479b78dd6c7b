import { expect, test } from "vitest";
import { imageUpdaterObjects, requiredOfImageUpdater } from "../../../../components/argo-cd/image-updater-objects.ts";
import { inNamespace } from "../../../../components/argo-cd/argo-cd-objects.ts";

const committer = { name: "acme bot", email: "bot@acme.example" };
const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "argocd-image-updater-config" } };
const other = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "argocd-image-updater-ssh-config" } };
const controller = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "argocd-image-updater-controller" },
  spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/default-container": "x" } }, spec: {} } },
};
const release = [config, other, controller];

test("without a committer, the release stays as it is, in its namespace", () => {
  expect(imageUpdaterObjects(release, { namespace: "argocd" })).toEqual(inNamespace(release, "argocd"));
  expect(requiredOfImageUpdater({})).toEqual([
    "CustomResourceDefinition imageupdaters.argocd-image-updater.argoproj.io",
  ]);
});

test("the committer is in the configuration, beside what the release has there", () => {
  const given = { ...config, data: { "log.level": "info" } };
  const [changed, same] = imageUpdaterObjects([given, other], { namespace: "argocd", committer });
  expect(changed).toMatchObject({
    metadata: { namespace: "argocd" },
    data: { "log.level": "info", "git.user": "acme bot", "git.email": "bot@acme.example" },
  });
  expect(same).not.toHaveProperty("data");
  expect(requiredOfImageUpdater({ committer })).toContain("ConfigMap argocd-image-updater-config");
});

test("another committer starts the pods anew, the same does not", () => {
  const checksum = (name: string): unknown => {
    const [, , deployment] = imageUpdaterObjects(release, { namespace: "argocd", committer: { ...committer, name } });
    expect(deployment).toMatchObject({
      spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/default-container": "x" } } } },
    });
    return Object(deployment?.["spec"]).template.metadata.annotations["delivery/config-checksum"];
  };
  expect(checksum("a")).toMatch(/^[0-9a-f]{16}$/);
  expect(checksum("a")).toBe(checksum("a"));
  expect(checksum("a")).not.toBe(checksum("b"));
});
