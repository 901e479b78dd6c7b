import type { KindReference } from "../../../kubernetes/object.ts";

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

const install =
  "Install the official plugin (`pulumi plugin install resource kubernetes`), which the sandbox then uses instead";

/**
 * The apiVersion and kind that a type token such as `kubernetes:apps/v1:Deployment` stands for.
 *
 * @throws Error naming the type and the way out, for types that the offline provider does not have.
 */
export function kindOfToken(token: string): KindReference {
  const parts = token.split(":");
  const [, module = "", kind = ""] = parts;
  const slash = module.indexOf("/");
  const group = slash < 0 ? module : module.slice(0, slash);
  if (group === "yaml" || group === "kustomize" || group === "helm.sh") {
    throw new Error(
      `the offline kubernetes provider has no ${token}: declare its objects one by one, or as CustomResource. ${install}.`,
    );
  }
  if (parts.length !== 3 || slash < 0 || kind === "") {
    throw new Error(
      `the offline kubernetes provider cannot read the type ${token}: expected kubernetes:<group>/<version>:<Kind>.`,
    );
  }
  const version = module.slice(slash + 1);
  const apiVersion = group === "core" || group === "" ? version : `${group}/${version}`;
  if (isBuiltIn(apiVersion) && kind.endsWith("Patch")) {
    throw new Error(
      `the offline kubernetes provider has no ${token}: own the whole object with ${kind.slice(0, -"Patch".length)} instead. ${install}.`,
    );
  }
  if (isBuiltIn(apiVersion) && kind.endsWith("List")) {
    throw new Error(
      `${token} cannot be created: list types exist only for YAML manifests and charts. Declare each object with ${kind.slice(0, -"List".length)}.`,
    );
  }
  return { apiVersion, kind };
}
