import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "../../../circleci/pipelines.ts";
import { workloadStatus, type WorkloadStatus } from "../../../cli/status/workload-status.ts";
import type { DeployBranch } from "../../../git/deploy-branch.ts";
import { readBranch } from "../../../git/deploy-repository.ts";
import { readRecords, shortDigest } from "../../../git/records.ts";
import type { ReleaseRecord } from "../../../git/release-record.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isNotFound } from "../../../kubernetes/errors.ts";
import { listAt, stringAt, type KubernetesObject } from "../../../kubernetes/object.ts";
import { followPipeline, type CiAccess } from "./follow-pipeline.ts";
import type { PipelineEnd, PipelineEvent } from "./pipeline-events.ts";

/** What a commit passes on its way to the cluster. */
export interface Route {
  readonly ci: CiAccess;
  readonly deploy: DeployBranch;
  /** The environment's directory in the deploy repository. */
  readonly directory: string;
  readonly rollout: RolloutLocation;
}

/** What happens to a commit on its way, in this order, with the jobs of the pipeline in between. */
export type CommitEvent =
  | PipelineEvent
  | { readonly kind: "released"; readonly digest: string; readonly previous: string | undefined }
  | { readonly kind: "synced" }
  | { readonly kind: "running"; readonly pods: readonly string[] };

const pollMilliseconds = 100;

/**
 * Follows a pushed commit until its image runs in the cluster.
 * @throws Error if its pipeline fails, or `signal` ends the waiting
 */
export async function followCommit(
  route: Route,
  commit: string,
  onEvent: (event: CommitEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const before = await releaseOf(route);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  // The deploy repository is read only after the release: reading it all the time would slow down what is being followed.
  const released = Promise.withResolvers<void>();
  const onPipelineEvent = (event: PipelineEvent): void => {
    onEvent(event);
    if (event.kind === "ended" && event.job.name.startsWith("release-")) released.resolve();
  };
  const pipeline = followPipeline(route.ci, commit, onPipelineEvent, signal).then(succeeded);
  pipeline.then(released.resolve, (error: unknown) => {
    failed.abort(error);
    released.reject(error);
  });
  const rollout = released.promise.then(() => followRelease(route, commit, before, onEvent, either));
  // The failure of the pipeline is the cause where both fail.
  const [built, rolledOut] = await Promise.allSettled([pipeline, rollout]);
  if (built.status === "rejected") throw built.reason;
  if (rolledOut.status === "rejected") throw rolledOut.reason;
}

/** The release record of the service. */
export async function releaseOf({ deploy, directory, rollout }: Route): Promise<ReleaseRecord | undefined> {
  return (await readBranch(deploy, (snapshot) => readRecords(snapshot, directory))).get(rollout.service);
}

/** Waits until a commit is released and runs. @param before the release record before the commit */
export async function followRelease(
  route: Route,
  commit: string,
  before: ReleaseRecord | undefined,
  onEvent: (event: CommitEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const { rollout } = route;
  for (;;) {
    const now = await releaseOf(route);
    if (now?.sourceCommit === commit && now.image !== undefined) {
      onEvent({ kind: "released", digest: now.image.digest, previous: before?.image?.digest });
      await untilDesired(rollout, now.image.digest, signal);
      onEvent({ kind: "synced" });
      return onEvent({ kind: "running", pods: await untilRolledOut(rollout, now.image.digest, signal) });
    }
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

function succeeded(end: PipelineEnd): void {
  if (end.status === "success") return;
  const jobs = end.jobs.filter(({ status }) => status !== "success").map(({ name, status }) => `${name} ${status}`);
  throw new Error(`${end.name} ended with ${end.status}: ${jobs.join(", ")}`);
}

const column = 12;

/** One line for people. */
export function describeEvent(event: CommitEvent): string {
  switch (event.kind) {
    case "pipeline":
      return `${event.engine.padEnd(column)}${event.name}`;
    case "started":
      return `${event.engine.padEnd(column)}  ${event.job.name} …`;
    case "ended":
      return `${event.engine.padEnd(column)}  ${event.job.name} ${event.job.status}${duration(event.job)}`;
    case "released":
      return `Git         released ${event.previous === undefined ? "nothing" : shortDigest(event.previous)} → ${shortDigest(event.digest)}`;
    case "synced":
      return "Argo CD     the Deployment has the new image";
    case "running":
      return `Kubernetes  only pods of the new image are left, and ready: ${event.pods.join(", ")}`;
  }
}

function duration({ startedAt, stoppedAt }: Job): string {
  return startedAt === undefined || stoppedAt === undefined ? "" : `  ${((stoppedAt - startedAt) / 1000).toFixed(1)} s`;
}

/** A service on the cluster. */
export interface RolloutLocation {
  readonly kubernetes: KubernetesClient;
  readonly namespace: string;
  readonly service: string;
}

const rolloutPollMilliseconds = 50;

/** The service's Deployment, or its Rollout. */
export async function workloadOf({ kubernetes, namespace, service }: RolloutLocation): Promise<KubernetesObject> {
  const path = (group: string, plural: string): string => `/apis/${group}/namespaces/${namespace}/${plural}/${service}`;
  return kubernetes.request("GET", path("apps/v1", "deployments")).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
    return kubernetes.request("GET", path("argoproj.io/v1alpha1", "rollouts"));
  });
}

async function statusOf(location: RolloutLocation): Promise<WorkloadStatus> {
  return workloadStatus(await workloadOf(location));
}

/**
 * Waits until the template of the service's Deployment, or Rollout, has the image of a digest.
 * @throws Error if `signal` ends the waiting
 */
export async function untilDesired(location: RolloutLocation, digest: string, signal: AbortSignal): Promise<void> {
  while (!(await statusOf(location)).image.endsWith(digest))
    await sleep(rolloutPollMilliseconds, undefined, { signal });
}

/**
 * Waits until only pods of a digest are left, and all are ready.
 * @returns their names
 */
export async function untilRolledOut(
  location: RolloutLocation,
  digest: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { kubernetes, namespace, service } = location;
  for (;;) {
    const status = await statusOf(location);
    if (status.health === "Healthy" && status.image.endsWith(digest)) {
      const query = { labelSelector: `app.kubernetes.io/name=${service}` };
      const pods = await kubernetes.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query });
      const living = listAt(pods, "items").filter(
        (pod) => stringAt(pod, "metadata", "deletionTimestamp") === undefined,
      );
      return living.map((pod) => stringAt(pod, "metadata", "name") ?? "");
    }
    await sleep(rolloutPollMilliseconds, undefined, { signal });
  }
}
