import { shortDigest, type Release } from "../../git/records.ts";
import { valueAt } from "../../kubernetes/json.ts";
import type { ApiError } from "../../kubernetes/errors.ts";
import { conditionOf, listAt, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { applicationStatus } from "../status/cluster-status.ts";
import { oneLine } from "../status/reading.ts";
import { declaredAt, workloadStatus } from "../status/workload-status.ts";
import { idleProblem, type ServiceObjects } from "./idle-objects.ts";

/** What a gate found of one service. */
export interface ServiceOutcome {
  readonly service: string;
  readonly digest: string;
  readonly passed: boolean;
  readonly detail: string;
  /** ISO 8601; `null`: it is not Healthy, or the time is not known. */
  readonly healthySince: string | null;
}

/** What the deploy repository and the cluster say of one service in the environment that its digest comes from. */
export interface HealthStatus extends ServiceObjects {
  /** When the release commit was made, ISO 8601; `null`: nothing is known of it. */
  readonly releasedAt: string | null;
  /** Whether Argo CD has to say so, too: with delivery `gitops`. */
  readonly argoCd: boolean;
  /** Why it may have a Rollout that is not seen. @default it has none */
  readonly hiddenRollouts?: ApiError | undefined;
}

/**
 * Whether a digest has been running Healthy for so long. No source proves it alone: Argo CD may have missed a short rollout,
 * a workload does not know of a failed sync, and the release commit only says what is to run. So the latest of the times
 * counts since which each of them is well.
 * @param now milliseconds since 1970
 */
export function healthOf(
  { service, digest }: Pick<Release, "service" | "digest">,
  status: HealthStatus,
  minutes: number,
  now: number,
): ServiceOutcome {
  const problem = workloadProblem(digest, status) ?? idleProblem(service, status);
  const since = problem === undefined ? latest(timesOf(status)) : undefined;
  const outcome = { service, digest, healthySince: since === undefined ? null : new Date(since).toISOString() };
  if (problem !== undefined) return { ...outcome, passed: false, detail: problem };
  if (since === undefined)
    return { ...outcome, passed: false, detail: "is Healthy, but nothing tells since when; wait for its next rollout" };
  const age = (now - since) / 60_000;
  return {
    ...outcome,
    passed: age >= minutes,
    detail: `has been Healthy for ${Math.max(0, Math.floor(age))} of ${minutes} minutes`,
  };
}

function workloadProblem(
  digest: string,
  { argoCd, application, workload, runs, pods, hiddenRollouts }: HealthStatus,
): string | undefined {
  if (workload === undefined)
    return hiddenRollouts === undefined
      ? "has no Deployment on the cluster, nor a Rollout, StatefulSet, CronJob or Job"
      : `has no Deployment on the cluster, nor a StatefulSet, CronJob or Job; Rollouts cannot be read (${oneLine(hiddenRollouts.message)})`;
  const { image, health, message } = workloadStatus(workload, { jobs: runs, pods });
  if (!image.endsWith(`@${digest}`)) return `does not run ${shortDigest(digest)} yet, but ${image || "no image"}`;
  if (health !== "Healthy") return `is ${health}: ${message ?? ""}`;
  if (!argoCd) return undefined;
  if (application === undefined) return "has no Application in Argo CD";
  const status = applicationStatus(application, "");
  const reason = status.message === null ? "" : `: ${status.message}`;
  if (status.health !== "Healthy") return `is ${status.health} in Argo CD${reason}`;
  if (status.sync !== "Synced") return `is ${status.sync} in Argo CD${reason}`;
  // Without pods in its tree, which a configuration may leave out, Argo CD names no images; and those of a cron come and go.
  const images = workload["kind"] === "CronJob" ? [] : runningImages(application);
  if (images.length > 0 && !images.some((running) => running.endsWith(`@${digest}`)))
    return `is not seen to run ${shortDigest(digest)} by Argo CD yet`;
  return undefined;
}

function runningImages(application: KubernetesObject): string[] {
  const images = valueAt(application, "status", "summary", "images");
  return Array.isArray(images) ? images.filter((image) => typeof image === "string") : [];
}

/** The times since which each source says that all is well; one that is unknown makes the result unknown. */
function timesOf({ releasedAt, argoCd, application, workload = {}, pods }: HealthStatus): (string | undefined)[] {
  return [
    releasedAt ?? undefined,
    ...runningSince(workload, pods),
    ...(argoCd ? [application && stringAt(application, "status", "health", "lastTransitionTime")] : []),
    ...pods.flatMap(restartsOf),
  ];
}

/** Since when a workload is what it is to be: a cron since it is declared so, as long as no run of it has failed. */
function runningSince(workload: KubernetesObject, pods: readonly KubernetesObject[]): (string | undefined)[] {
  const changed = (object: KubernetesObject, type: string, time = "lastTransitionTime"): string | undefined => {
    const condition = conditionOf(object, type);
    return condition && stringAt(condition, time);
  };
  switch (workload["kind"]) {
    case "CronJob":
      return [declaredAt(workload)];
    case "Job":
      return [changed(workload, "Complete")];
    case "Rollout":
      return [changed(workload, "Healthy"), changed(workload, "Available")];
    case "StatefulSet":
      return [declaredAt(workload), ...pods.map((pod) => changed(pod, "Ready"))];
    default:
      return [changed(workload, "Progressing", "lastUpdateTime"), changed(workload, "Available")];
  }
}

/** When containers were restarted: they were not well before. The first start of a pod belongs to the rollout, or to its node. */
function restartsOf(pod: KubernetesObject): string[] {
  return listAt(pod, "status", "containerStatuses").flatMap((container) =>
    (numberAt(container, "restartCount") ?? 0) > 0 ? (stringAt(container, "state", "running", "startedAt") ?? []) : [],
  );
}

/** Milliseconds since 1970; `undefined`: one of them is not known. */
function latest(times: readonly (string | undefined)[]): number | undefined {
  const parsed = times.map((time) => Date.parse(time ?? ""));
  return parsed.some(Number.isNaN) ? undefined : Math.max(...parsed);
}
