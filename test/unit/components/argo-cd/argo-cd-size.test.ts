import { describe, expect, test } from "vitest";
import { restartedFor, sizeParameters } from "../../../../components/argo-cd/argo-cd-size.ts";
import { argoCdObjects, requiredObjects, type ArgoCdSettings } from "../../../../components/argo-cd/argo-cd-objects.ts";
import { annotationOf, kindOf, mapAt, nameOf, type KubernetesObject } from "../../../../kubernetes/object.ts";
import { sampleRelease } from "../../../support/sample-release.ts";

const settings: ArgoCdSettings = { namespace: "argocd", highAvailability: false, rbac: [] };

/** A workload of a release, which reads a parameter at its start. */
function workload(kind: string, name: string, key: string): KubernetesObject {
  const configMapKeyRef = { name: "argocd-cmd-params-cm", key, optional: true };
  const containers = [{ name, env: [{ name: "A_PARAMETER", valueFrom: { configMapKeyRef } }] }];
  return { apiVersion: "apps/v1", kind, metadata: { name }, spec: { template: { spec: { containers } } } };
}

const controller = workload("StatefulSet", "argocd-application-controller", "controller.status.processors");
const release = [
  ...sampleRelease().filter((object) => kindOf(object).kind !== "StatefulSet"),
  controller,
  workload("Deployment", "argocd-repo-server", "reposerver.parallelism.limit"),
  workload("Deployment", "argocd-applicationset-controller", "applicationsetcontroller.policy"),
];

function objectsFor(services: number): KubernetesObject[] {
  return argoCdObjects(release, { ...settings, services });
}

/** Kind and name → what starts the pods anew when it changes. */
function checksums(objects: readonly KubernetesObject[]): Record<string, string> {
  return Object.fromEntries(
    objects.flatMap((object) => {
      const checksum = annotationOf(mapAt(object, "spec", "template"), "delivery/config-checksum");
      return checksum === undefined ? [] : [[`${kindOf(object).kind} ${nameOf(object)}`, checksum]];
    }),
  );
}

test("up to 100 services Argo CD keeps its defaults, and its objects are as without their number", () => {
  expect(objectsFor(100)).toEqual(argoCdObjects(release, settings));
  expect(requiredObjects({ ...settings, services: 100 })).toEqual(requiredObjects(settings));
});

test.each([
  [101, { status: "20", operation: "10", kubectl: "20", qps: "50", burst: "100" }],
  [500, { status: "75", operation: "38", kubectl: "60", qps: "150", burst: "300" }],
  [2000, { status: "300", operation: "150", kubectl: "240", qps: "600", burst: "1200" }],
])("with %s services it works on as many Applications at once as their number asks for", (services, expected) => {
  expect(sizeParameters(services)).toEqual({
    "controller.status.processors": expected.status,
    "controller.operation.processors": expected.operation,
    "controller.kubectl.parallelism.limit": expected.kubectl,
    "controller.k8s.client.qps": expected.qps,
    "controller.k8s.client.burst": expected.burst,
    "reposerver.parallelism.limit": "20",
    "controller.repo.server.timeout.seconds": "180",
  });
});

test("they are in the ConfigMap that Argo CD reads, which a release must have then", () => {
  const parameters = objectsFor(500).find((object) => nameOf(object) === "argocd-cmd-params-cm");
  expect(parameters?.["data"]).toEqual(sizeParameters(500));
  expect(requiredObjects({ ...settings, services: 500 })).toContain("ConfigMap argocd-cmd-params-cm");
});

describe("pods start anew", () => {
  test("of the workloads that read them alone", () => {
    expect(Object.keys(checksums(objectsFor(500)))).toEqual([
      "StatefulSet argocd-application-controller",
      "Deployment argocd-repo-server",
    ]);
  });

  test("when a value changes that they read, and not otherwise", () => {
    const of = (parameters: Record<string, string>): unknown => checksums([restartedFor(parameters, controller)]);
    const before = of({ "controller.status.processors": "20", "reposerver.parallelism.limit": "1" });
    expect(of({ "controller.status.processors": "20", "reposerver.parallelism.limit": "2" })).toEqual(before);
    expect(of({ "controller.status.processors": "21", "reposerver.parallelism.limit": "1" })).not.toEqual(before);
  });
});
