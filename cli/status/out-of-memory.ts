import { labelsAt, listAt, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";

/**
 * What to do for services whose containers were killed at their memory limit, by the name of the service: whatever they log,
 * it is not that, and neither does a Deployment say it.
 */
export function memoryHints(pods: readonly KubernetesObject[]): ReadonlyMap<string, string> {
  const hints = pods.flatMap((pod): [service: string, hint: string][] => {
    const service = labelsAt(pod)["app.kubernetes.io/name"];
    const hint = memoryHint(pod);
    return typeof service !== "string" || hint === undefined ? [] : [[service, hint]];
  });
  return new Map(hints);
}

function memoryHint(pod: KubernetesObject): string | undefined {
  const killed = listAt(pod, "status", "containerStatuses").find((container) =>
    ["state", "lastState"].some((state) => stringAt(container, state, "terminated", "reason") === "OOMKilled"),
  );
  if (killed === undefined) return undefined;
  const container = listAt(pod, "spec", "containers").find(({ name }) => name === killed["name"]);
  const limit = container && stringAt(container, "resources", "limits", "memory");
  const restarts = numberAt(killed, "restartCount") ?? 0;
  const times = restarts > 1 ? `, and started again ${restarts} times` : "";
  return `a pod was killed at its memory limit${limit === undefined ? "" : ` of ${limit}`} (OOMKilled)${times}; raise resources.limits.memory of the service`;
}
