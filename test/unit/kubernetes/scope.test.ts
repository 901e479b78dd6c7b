import { expect, test } from "vitest";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { isBuiltIn, isClusterScoped } from "../../../kubernetes/scope.ts";

const definition = (scope: string): KubernetesObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "tenants.acme.example" },
  spec: { group: "acme.example", names: { kind: "Tenant" }, scope },
});

test.each<[apiVersion: string, kind: string, scope: string | undefined, builtIn: boolean, cluster: boolean]>([
  ["v1", "Namespace", undefined, true, true],
  ["v1", "ConfigMap", undefined, true, false],
  ["apps/v1", "Deployment", undefined, true, false],
  ["rbac.authorization.k8s.io/v1", "ClusterRole", undefined, true, true],
  ["rbac.authorization.k8s.io/v1", "Role", undefined, true, false],
  ["apiregistration.k8s.io/v1", "APIService", undefined, true, true],
  ["acme.example/v1", "Tenant", undefined, false, false],
  ["acme.example/v1", "Tenant", "Namespaced", false, false],
  ["acme.example/v1", "Tenant", "Cluster", false, true],
  ["other.example/v1", "Tenant", "Cluster", false, false],
  // A kind of another group that has the name of a built-in one.
  ["acme.example/v1", "Namespace", undefined, false, false],
])("%s %s, defined as %s: built in %s, without a namespace %s", (apiVersion, kind, scope, builtIn, cluster) => {
  const definitions = scope === undefined ? [] : [definition(scope)];
  expect([isBuiltIn(apiVersion), isClusterScoped({ apiVersion, kind }, definitions)]).toEqual([builtIn, cluster]);
});
