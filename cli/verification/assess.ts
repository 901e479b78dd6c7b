import { shortDigest } from "../../git/records.ts";
import { conditionOf, listAt, nameOf, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { healthOf, type HealthStatus } from "../promotion/health.ts";
import { workloadStatus } from "../status/workload-status.ts";
import type { ServiceRules } from "./rules.ts";

/** What one look at the cluster says of an image that has to prove itself. */
export type Assessment =
  /** It runs on no pod yet, or not on all, or is not well. */
  | { readonly state: "rollout"; readonly detail: string }
  /** All pods run it and are well. @param due when that will have been so for long enough, in milliseconds since 1970 */
  | { readonly state: "hold"; readonly detail: string; readonly due: number }
  /** They have been for long enough. */
  | { readonly state: "held"; readonly detail: string }
  | { readonly state: "failed"; readonly detail: string };

interface AssessArgs {
  readonly service: string;
  readonly digest: string;
  readonly status: HealthStatus;
  readonly rules: ServiceRules;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * What is known of the time lies in Git and on the cluster, and nowhere else: since when the image is to run, and since when
 * what runs it is well. So it does not matter who looks, nor how often.
 */
export function assess({ service, digest, status, rules, now }: AssessArgs): Assessment {
  const { minutes, timeoutMinutes } = rules;
  const released = Date.parse(status.releasedAt ?? "");
  // Where nothing says when it was released, it is waited for.
  const limit = (Number.isNaN(released) ? now : released) + timeoutMinutes * 60_000;
  const health = healthOf({ service, digest }, status, minutes, now);
  const problem = oldPods(digest, status);
  if (problem === undefined && health.healthySince !== null) {
    const due = Date.parse(health.healthySince) + minutes * 60_000;
    const detail = `all pods have run it and been well since ${health.healthySince}`;
    if (now >= due) return { state: "held", detail: minutes === 0 ? detail : `${detail}, for ${minutes} minutes` };
    if (now > limit + minutes * 60_000)
      return { state: "failed", detail: `was not well for ${minutes} minutes without a break; ${restarts(status)}` };
    return { state: "hold", detail: `${detail}; to be so for ${minutes} minutes`, due };
  }
  const detail = health.healthySince === null ? health.detail : (problem ?? health.detail);
  const failure = failureOf(digest, status, released);
  if (failure !== undefined) return { state: "failed", detail: failure };
  // One that has been well and is no longer has had its chance, too.
  if (now > limit)
    return { state: "failed", detail: `after ${timeoutMinutes} minutes, it ${detail}${podReasons(digest, status)}` };
  return { state: "rollout", detail };
}

/** A Deployment counts pods that have begun to end as gone, and Argo CD looks at the template alone. */
function oldPods(digest: string, { workload, pods }: HealthStatus): string | undefined {
  if (!["Deployment", "Rollout", "StatefulSet"].includes(stringAt(workload ?? {}, "kind") ?? "")) return undefined;
  const name = nameOf(workload ?? {});
  const running = pods.filter((pod) => !["Succeeded", "Failed"].includes(stringAt(pod, "status", "phase") ?? ""));
  const others = running.filter((pod) => !imageOf(pod, name).endsWith(`@${digest}`));
  if (others.length === 0 && running.length > 0) return undefined;
  return running.length === 0
    ? `has no pod of ${shortDigest(digest)}`
    : `has ${others.length} of ${running.length} pods of another image: ${others.map(nameOf).join(", ")}`;
}

function imageOf(pod: KubernetesObject, container: string): string {
  const found = listAt(pod, "spec", "containers").find((one) => stringAt(one, "name") === container);
  return (found && stringAt(found, "image")) ?? "";
}

/**
 * What the workload itself has given up. One that is followed by another image keeps saying so of the one before for a moment,
 * so what it has said before the release does not count.
 */
function failureOf(digest: string, { workload, runs, pods }: HealthStatus, released: number): string | undefined {
  if (workload === undefined) return undefined;
  const { image, state, message } = workloadStatus(workload, { jobs: runs, pods });
  if (state !== "failed" || !image.endsWith(`@${digest}`)) return undefined;
  if (
    (numberAt(workload, "status", "observedGeneration") ?? Infinity) <
    (numberAt(workload, "metadata", "generation") ?? 0)
  )
    return undefined;
  const condition = conditionOf(workload, "Progressing") ?? conditionOf(workload, "Failed") ?? {};
  const said = Date.parse(stringAt(condition, "lastUpdateTime") ?? stringAt(condition, "lastTransitionTime") ?? "");
  return said >= released ? `is Degraded: ${message ?? ""}` : undefined;
}

/** The pods that are not ready, and why, in Kubernetes' words. A Deployment counts old pods that are, too. */
function podReasons(digest: string, { workload, pods }: HealthStatus): string {
  const name = nameOf(workload ?? {});
  const unready = pods
    .filter((pod) => imageOf(pod, name).endsWith(`@${digest}`))
    .filter((pod) => conditionOf(pod, "Ready")?.["status"] !== "True");
  if (unready.length === 0) return "";
  const reasons = unready.flatMap((pod) =>
    listAt(pod, "status", "containerStatuses").flatMap(
      (container) => stringAt(container, "state", "waiting", "reason") ?? [],
    ),
  );
  const why = reasons.length === 0 ? "" : ` (${[...new Set(reasons)].join(", ")})`;
  return `; not ready: ${unready.map(nameOf).join(", ")}${why}`;
}

function restarts({ pods }: HealthStatus): string {
  const counts = pods.flatMap((pod) =>
    listAt(pod, "status", "containerStatuses").map((container) => numberAt(container, "restartCount") ?? 0),
  );
  const sum = counts.reduce((total, count) => total + count, 0);
  return sum === 0 ? "it was not well in between" : `its containers were restarted ${sum} times`;
}
