import type { types } from "@pulumi/kubernetes";
import type { PodSecurity } from "./pod-security.ts";

/** The labels of what belongs to no single service. */
export function commonLabels(app: string): Record<string, string> {
  return { "app.kubernetes.io/part-of": app, "app.kubernetes.io/managed-by": "delivery" };
}

/** The namespace of an environment: its pods get no more rights than they need. @param labels further ones */
export function namespaceManifest(
  app: string,
  name: string,
  enforced: PodSecurity,
  labels: Readonly<Record<string, string>> = {},
): types.input.core.v1.Namespace {
  const own = { ...commonLabels(app), "pod-security.kubernetes.io/enforce": enforced };
  return { metadata: { name, labels: { ...own, ...labels } } };
}

/** Where and as what a service runs: the same for all manifests of one environment. */
export interface Environment {
  readonly app: string;
  readonly name: string;
  readonly namespace: string;
  /** Whether nodes pull images as themselves, so that pods name no pull secret. @default false */
  readonly nodesPull?: true;
}

/** The labels by which selectors find the pods of a service; they never change, since selectors are immutable. */
export function selectorLabels(environment: Environment, name: string): Record<string, string> {
  return { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": environment.app };
}

/** Name, namespace and the recommended labels. Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */
export function metadata(
  environment: Environment,
  name: string,
): { name: string; namespace: string; labels: Record<string, string> } {
  return {
    name,
    namespace: environment.namespace,
    labels: {
      ...selectorLabels(environment, name),
      "app.kubernetes.io/instance": `${environment.app}-${environment.name}`,
      "app.kubernetes.io/managed-by": "delivery",
    },
  };
}

/** Beside the reference to a Secret: a number that rises when its values change, so that the pods start anew. */
export const generationAnnotation = "delivery/secrets-generation";

/** A manifest whose annotations others add to. */
export type Annotated<Manifest> = Omit<Manifest, "metadata"> & {
  readonly metadata: ReturnType<typeof metadata> & { readonly annotations: Readonly<Record<string, string>> };
};
