import type { JsonMap, JsonValue } from "../../kubernetes/json.ts";
import { listAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { PolicyRule } from "../rule.ts";

/** Whoever may change one service would have what all others have. */
export const rightsOverOthers: PolicyRule = {
  name: "rights-over-others",
  level: "advisory",
  check: ({ object }) => {
    const rights = object["kind"] === "RoleBinding" ? boundRights(object) : roleRights(object);
    return [...new Set(rights)].map(
      (right) =>
        `lets pods ${right}, and so have the secrets of all services of the namespace; name the one object that is meant (resourceNames), or leave it to whoever runs the cluster`,
    );
  },
};

/** Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles */
const wideRoles = new Set(["cluster-admin", "admin", "edit"]);

function boundRights(binding: KubernetesObject): string[] {
  const name = stringAt(binding, "roleRef", "name") ?? "";
  const isWide = stringAt(binding, "roleRef", "kind") === "ClusterRole" && wideRoles.has(name);
  return isWide ? [`do all that the ClusterRole ${name} may`] : [];
}

/** What leads to the Secrets of others. Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/ */
const ways: readonly { readonly resource: string; readonly verbs: readonly string[]; readonly right: string }[] = [
  { resource: "secrets", verbs: ["get", "list", "watch"], right: "read every Secret" },
  { resource: "pods", verbs: ["create"], right: "make pods" },
  { resource: "pods/exec", verbs: ["create", "get"], right: "run commands in other pods" },
  { resource: "serviceaccounts/token", verbs: ["create"], right: "take the tokens of other service accounts" },
];

function roleRights(role: KubernetesObject): string[] {
  if (role["kind"] !== "Role") return [];
  return listAt(role, "rules").flatMap((rule) =>
    ways
      .filter(
        ({ resource, verbs }) =>
          has(rule, "apiGroups", [""]) &&
          has(rule, "resources", [resource]) &&
          has(rule, "verbs", verbs) &&
          listOf(rule["resourceNames"]).length === 0,
      )
      .map(({ right }) => right),
  );
}

function has(rule: JsonMap, key: string, some: readonly string[]): boolean {
  const values = listOf(rule[key]);
  return values.includes("*") || some.some((value) => values.includes(value));
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
