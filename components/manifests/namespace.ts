import type { types } from "@pulumi/kubernetes";

/** The labels of what belongs to no single service. */
export function commonLabels(app: string): Record<string, string> {
  return { "app.kubernetes.io/part-of": app, "app.kubernetes.io/managed-by": "delivery" };
}

/** The namespace of an environment: its pods get no more rights than they need. */
export function namespaceManifest(app: string, name: string): types.input.core.v1.Namespace {
  return { metadata: { name, labels: { ...commonLabels(app), "pod-security.kubernetes.io/enforce": "restricted" } } };
}
