import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../../../core/atomic-file.ts";
import { parseManifests } from "../../../../../kubernetes/manifests.ts";
import type { KubernetesObject } from "../../../../../kubernetes/object.ts";
import { writeSandboxManifests } from "../../../../../sandbox/machine/argocd/manifests.ts";

const release = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: applicationsets.argoproj.io
spec:
  group: argoproj.io
  versions:
  - name: v1alpha1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            type: object
    served: true
    storage: true
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: appprojects.argoproj.io
spec:
  group: argoproj.io
  versions:
  - name: v1alpha1
    schema:
      openAPIV3Schema:
        description: Logical groups of Applications
        properties:
          spec:
            description: What they may
            properties:
              description: {description: For people, maxLength: 255, type: string}
              roles:
                default: [{description: anybody}]
                items: {description: One of them, type: object}
                type: array
            type: object
    served: true
    storage: true
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: argocd-server
---
apiVersion: v1
kind: Service
metadata:
  name: argocd-server
spec:
  ports: [{port: 80}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: argocd-application-controller
  annotations: {own: kept}
spec:
  replicas: 1
`;

function objectsIn(path: string): readonly KubernetesObject[] {
  const parsed = parseManifests(readFileSync(path, "utf8"));
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.objects;
}

test("the release's objects are all there, without pods, with a small schema of ApplicationSets, and no schema explains", () => {
  using folder = temporaryDirectory("manifests-");
  mkdirSync(join(folder.path, "manifests"));
  writeFileSync(join(folder.path, "manifests", "install.yaml"), release);
  const { argoCd, imageUpdater } = writeSandboxManifests(folder.path, join(folder.path, "state"));
  const standIn = {
    "sandbox.delivery/stand-in": "no pods: processes of the sandbox's machine do this work",
    "pulumi.com/skipAwait": "true",
  };
  // A property of that name is none that only explains, nor is what is in a default.
  const schema = {
    openAPIV3Schema: {
      properties: {
        spec: {
          properties: {
            description: { maxLength: 255, type: "string" },
            roles: { default: [{ description: "anybody" }], items: { type: "object" }, type: "array" },
          },
          type: "object",
        },
      },
    },
  };
  expect(objectsIn(argoCd)).toEqual([
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "applicationsets.argoproj.io" },
      spec: {
        group: "argoproj.io",
        versions: [
          {
            name: "v1alpha1",
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
            served: true,
            storage: true,
          },
        ],
      },
    },
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "appprojects.argoproj.io" },
      spec: { group: "argoproj.io", versions: [{ name: "v1alpha1", schema, served: true, storage: true }] },
    },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "argocd-server" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "argocd-server", annotations: standIn },
      spec: { ports: [{ port: 80 }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "argocd-application-controller", annotations: { own: "kept", ...standIn } },
      spec: { replicas: 0 },
    },
  ]);
  expect(objectsIn(imageUpdater).map(({ metadata }) => metadata)).toEqual([
    { name: "imageupdaters.argocd-image-updater.argoproj.io" },
  ]);
});
