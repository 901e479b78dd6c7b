import { conditionOf, listAt, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";

/**
 * Why requests do not reach a service by its route, as the controller of the Gateway says, and what to do; `undefined`: they do.
 * Source: https://gateway-api.sigs.k8s.io/api-types/httproute/#status
 */
export function routeProblem(route: KubernetesObject): string | undefined {
  const parents = listAt(route, "status", "parents");
  if (parents.length === 0)
    return "no controller has taken its route on: is there one for the class of the Gateway, and does it run?";
  const problems = parents.map((parent) => parentProblem(parent, numberAt(route, "metadata", "generation") ?? 0));
  return problems.includes(undefined) ? undefined : problems[0];
}

function parentProblem(parent: KubernetesObject, generation: number): string | undefined {
  const conditions = ["Accepted", "ResolvedRefs"].map((type) => conditionOf({ status: parent }, type));
  const failed = conditions.find((condition) => condition?.["status"] === "False");
  if (failed !== undefined) {
    const reason = stringAt(failed, "reason") ?? "no reason";
    const message = stringAt(failed, "message") ?? "";
    const hint = hints[reason];
    return `its route is refused (${reason}${message === "" ? "" : `: ${message.replace(/\.$/, "")}`})${hint === undefined ? "" : `; ${hint}`}`;
  }
  const [accepted] = conditions;
  if (accepted?.["status"] !== "True" || (numberAt(accepted, "observedGeneration") ?? generation) < generation)
    return "its route waits for the controller of the Gateway";
  return undefined;
}

/** What to do, by the reason that the Gateway API has for it. */
const hints: Readonly<Record<string, string>> = {
  NotAllowedByListeners:
    "let a listener of the Gateway take routes of this namespace, by allowedRoutes.namespaces: { from: All }, or { from: Selector, selector: { matchLabels: { app.kubernetes.io/part-of: <app> } } }",
  NoMatchingListenerHostname:
    "no listener of the Gateway takes its host: correct cluster.gateway.domain, or the hostname of a listener",
  NoMatchingParent: "the Gateway has no such listener: correct cluster.gateway.listener",
};
