import { kindOf, labelsAt, mapAt, namespaceOf, selects } from "../../kubernetes/object.ts";
import { podTemplateOf } from "../../kubernetes/pod-template.ts";
import { isClusterScoped } from "../../kubernetes/scope.ts";
import type { PolicyRule } from "../rule.ts";

/** A namespace that lets pods do anything protects the node from none of them. */
export const privilegedNamespace: PolicyRule = {
  name: "privileged-namespace",
  level: "mandatory",
  check: ({ object }) => {
    if (kindOf(object).kind !== "Namespace") return [];
    const enforced = labelsAt(object)["pod-security.kubernetes.io/enforce"];
    if (enforced !== "privileged") return [];
    return [
      "it enforces no Pod Security (`privileged`); remove what asks for it from the patches or manifests of services",
    ];
  },
};

const systemNamespaces = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);

/** What runs there has rights of its own, or is out of every policy's sight. */
export const systemNamespace: PolicyRule = {
  name: "system-namespace",
  level: "mandatory",
  check: ({ object }) =>
    // Without a cluster, the provider takes objects that are in no namespace to be in `default`.
    systemNamespaces.has(namespaceOf(object)) && !isClusterScoped(kindOf(object))
      ? [
          `it is in the namespace ${namespaceOf(object)}, which is the cluster's; leave \`metadata.namespace\` out, or set cluster.namespace`,
        ]
      : [],
};

/** One letter wrong in a label, and a policy protects nothing, without a word. */
export const idlePolicy: PolicyRule = {
  name: "network-policy-selects-nothing",
  level: "mandatory",
  check: ({ object }, { all }) => {
    if (kindOf(object).kind !== "NetworkPolicy") return [];
    const selector = mapAt(object, "spec", "podSelector");
    const templates = all.map((other) => podTemplateOf(other.object)).filter((template) => template !== undefined);
    if (Object.keys(selector).length === 0 || templates.some((template) => selects(selector, labelsAt(template))))
      return [];
    return [`its podSelector ${JSON.stringify(selector)} selects no pod that is declared; correct the labels`];
  },
};
