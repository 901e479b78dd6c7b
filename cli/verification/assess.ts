import { shortDigest } from "../../git/records.ts";
import { valueAt } from "../../kubernetes/json.ts";
import {
  conditionOf,
  labelsAt,
  listAt,
  nameOf,
  numberAt,
  stringAt,
  type KubernetesObject,
} from "../../kubernetes/object.ts";
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
  const { problem, kept } = oldPods(digest, status);
  if (problem === undefined && health.healthySince !== null) {
    const since = Date.parse(health.healthySince);
    const due = since + minutes * 60_000;
    const detail = `all pods have run it and been well since ${health.healthySince}`;
    if (kept > 0) {
      const keeping = keepMilliseconds(status.workload);
      // They end when they have been kept, and that takes no longer than the rollout may.
      if (now > Math.max(due, limit + keeping + timeoutMinutes * 60_000))
        return {
          state: "failed",
          detail: `has ${kept} pods of another image, which were kept for ${keeping / 1000} s`,
        };
      const waits = `${detail}; ${kept} pods of the image before are kept for a while, to which no requests go`;
      return { state: "hold", detail: waits, due: Math.max(due, since + keeping, now) };
    }
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

/** How long a Rollout keeps the pods of the image before when no requests go to them any more; 0: not at all. */
function keepMilliseconds(workload: KubernetesObject = {}): number {
  const delays = ["blueGreen", "canary"].map((strategy) =>
    numberAt(workload, "spec", "strategy", strategy, "scaleDownDelaySeconds"),
  );
  return (delays[0] ?? delays[1] ?? 0) * 1000;
}

/**
 * A Deployment counts pods that have begun to end as gone, and Argo CD looks at the template alone.
 * @returns why the image is not the only one; and how many pods of another one a Rollout keeps, for going back in no time
 */
function oldPods(
  digest: string,
  { workload = {}, pods }: HealthStatus,
): { readonly problem: string | undefined; readonly kept: number } {
  if (!["Deployment", "Rollout", "StatefulSet"].includes(stringAt(workload, "kind") ?? ""))
    return { problem: undefined, kept: 0 };
  const name = nameOf(workload);
  const running = pods.filter((pod) => !["Succeeded", "Failed"].includes(stringAt(pod, "status", "phase") ?? ""));
  if (running.length === 0) return { problem: `has no pod of ${shortDigest(digest)}`, kept: 0 };
  const others = running.filter((pod) => !imageOf(pod, name).endsWith(`@${digest}`));
  if (others.length < running.length && others.every((pod) => isSwitchedOff(pod, workload)))
    return { problem: undefined, kept: others.length };
  const list = others.map(nameOf).join(", ");
  return { problem: `has ${others.length} of ${running.length} pods of another image: ${list}`, kept: 0 };
}

/** Whether a Rollout has switched all requests from a pod to those of its latest image. */
function isSwitchedOff(pod: KubernetesObject, rollout: KubernetesObject): boolean {
  // A canary whose requests no router splits takes its pods away one by one, and all of them get some until then.
  const isRouted = valueAt(rollout, "spec", "strategy", "canary", "trafficRouting") !== undefined;
  const active = stringAt(rollout, "status", ...(isRouted ? ["stableRS"] : ["blueGreen", "activeSelector"]));
  if (active === undefined || active !== stringAt(rollout, "status", "currentPodHash")) return false;
  return labelsAt(pod)["rollouts-pod-template-hash"] !== active;
}

/** The pods that are to answer: neither on their way out, nor kept without requests. */
export function answeringPods({ workload = {}, pods }: HealthStatus): KubernetesObject[] {
  return pods.filter(
    (pod) => valueAt(pod, "metadata", "deletionTimestamp") === undefined && !isSwitchedOff(pod, workload),
  );
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
