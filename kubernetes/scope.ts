import { isCustomResourceDefinition, stringAt, type KindReference, type KubernetesObject } from "./object.ts";

/** Built-in kinds that are not in a namespace. */
const clusterScoped = new Set(
  "Namespace Node PersistentVolume ClusterRole ClusterRoleBinding StorageClass VolumeAttachment CSIDriver CSINode VolumeAttributesClass PriorityClass RuntimeClass "
    .concat(
      "IngressClass IPAddress ServiceCIDR APIService CustomResourceDefinition MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy ",
    )
    .concat(
      "ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding CertificateSigningRequest ClusterTrustBundle FlowSchema ",
    )
    .concat(
      "PriorityLevelConfiguration DeviceClass ResourceSlice StorageVersion StorageVersionMigration TokenReview SelfSubjectReview SubjectAccessReview",
    )
    .split(" "),
);

/**
 * Whether objects of a kind are in no namespace, as far as that can be known without a cluster: of Kubernetes' own kinds, and of
 * those that are defined next to them. Others are taken to be in one, as most are.
 * @param definitions among which there may be the kind's
 */
export function isClusterScoped(kind: KindReference, definitions: readonly KubernetesObject[] = []): boolean {
  if (isBuiltIn(kind.apiVersion)) return clusterScoped.has(kind.kind);
  const definition = definitions.find(
    (object) =>
      isCustomResourceDefinition(object) && definedKind(object) === `${groupOf(kind.apiVersion)}/${kind.kind}`,
  );
  return definition !== undefined && stringAt(definition, "spec", "scope") === "Cluster";
}

/** `argoproj.io/Application`: the group and the kind that a definition is of. */
export function definedKind(definition: KubernetesObject): string {
  return `${stringAt(definition, "spec", "group")}/${stringAt(definition, "spec", "names", "kind")}`;
}

/** The API groups of Kubernetes itself; every other group comes from a CustomResourceDefinition or an aggregated API. */
const builtInGroups = new Set(
  [
    "",
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
  ]
    .concat([
      "discovery",
      "events",
      "flowcontrol.apiserver",
      "internal.apiserver",
      "networking",
      "node",
      "rbac.authorization",
    ])
    .concat(["resource", "scheduling", "storage", "storagemigration"])
    .map((group) => (group === "" ? "" : `${group}.k8s.io`))
    .concat(["apps", "autoscaling", "batch", "extensions", "policy"]),
);

export function isBuiltIn(apiVersion: string): boolean {
  return builtInGroups.has(groupOf(apiVersion));
}

/** `apps` of `apps/v1`; empty for the core group's `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}
