import { setTimeout as sleep } from "node:timers/promises";
import { deploymentStatus, type DeploymentStatus } from "../../../cli/status/cluster-status.ts";
import type { DeployBranch } from "../../../git/deploy-branch.ts";
import { readBranch } from "../../../git/deploy-repository.ts";
import { readRecords, shortDigest } from "../../../git/records.ts";
import type { ReleaseRecord } from "../../../git/release-record.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { listAt, stringAt } from "../../../kubernetes/object.ts";
import { followPipeline, type CiAccess, type Job, type PipelineEnd, type PipelineEvent } from "./follow-pipeline.ts";

/** Where a commit travels through. */
export interface Route {
  readonly ci: CiAccess;
  readonly deploy: DeployBranch;
  /** The environment's directory in the deploy repository. */
  readonly directory: string;
  readonly rollout: RolloutLocation;
}

/** What one sees of a commit on its way, in this order; the jobs of the pipeline among them. */
type CommitEvent =
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
  seen: (event: CommitEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const before = await releaseOf(route);
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  // Who looked into the repository all the time would take time from what is being looked at.
  const released = Promise.withResolvers<void>();
  const see = (event: PipelineEvent): void => {
    seen(event);
    if (event.kind === "ended" && event.job.name.startsWith("release-")) released.resolve();
  };
  const pipeline = followPipeline(route.ci, commit, see, signal).then(succeeded);
  pipeline.then(released.resolve, (error: unknown) => {
    failed.abort(error);
    released.reject(error);
  });
  const rollout = released.promise.then(() => followRelease(route, commit, before, seen, either));
  // Which of the two fails first is what the other one fails of.
  const [built, rolledOut] = await Promise.allSettled([pipeline, rollout]);
  if (built.status === "rejected") throw built.reason;
  if (rolledOut.status === "rejected") throw rolledOut.reason;
}

async function releaseOf({ deploy, directory, rollout }: Route): Promise<ReleaseRecord | undefined> {
  return (await readBranch(deploy, (snapshot) => readRecords(snapshot, directory))).get(rollout.service);
}

/** @param before the release record of before the commit */
async function followRelease(
  route: Route,
  commit: string,
  before: ReleaseRecord | undefined,
  seen: (event: CommitEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const { rollout } = route;
  for (;;) {
    const now = await releaseOf(route);
    if (now?.sourceCommit === commit && now.image !== undefined) {
      seen({ kind: "released", digest: now.image.digest, previous: before?.image?.digest });
      await untilDesired(rollout, now.image.digest, signal);
      seen({ kind: "synced" });
      return seen({ kind: "running", pods: await untilRolledOut(rollout, now.image.digest, signal) });
    }
    await sleep(pollMilliseconds, undefined, { signal });
  }
}

function succeeded(end: PipelineEnd): void {
  if (end.status === "success") return;
  const jobs = end.jobs.filter(({ status }) => status !== "success").map(({ name, status }) => `${name} ${status}`);
  throw new Error(`pipeline #${end.number} ended with ${end.status}: ${jobs.join(", ")}`);
}

/** One line for people. */
export function describeEvent(event: CommitEvent): string {
  switch (event.kind) {
    case "pipeline":
      return `CircleCI    pipeline #${event.number}`;
    case "started":
      return `CircleCI      ${event.job.name} …`;
    case "ended":
      return `CircleCI      ${event.job.name} ${event.job.status}${duration(event.job)}`;
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
interface RolloutLocation {
  readonly kubernetes: KubernetesClient;
  readonly namespace: string;
  readonly service: string;
}

const rolloutPollMilliseconds = 50;

/** How the service's Deployment is. */
async function deploymentOf({ kubernetes, namespace, service }: RolloutLocation): Promise<DeploymentStatus> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${service}`;
  return deploymentStatus(await kubernetes.request("GET", path));
}

/**
 * Waits until the Deployment wants a digest.
 * @throws Error if `signal` ends the waiting
 */
async function untilDesired(place: RolloutLocation, digest: string, signal: AbortSignal): Promise<void> {
  while (!(await deploymentOf(place)).image.endsWith(digest))
    await sleep(rolloutPollMilliseconds, undefined, { signal });
}

/**
 * Waits until only pods of a digest are left, and all are ready.
 * @returns their names
 */
export async function untilRolledOut(place: RolloutLocation, digest: string, signal: AbortSignal): Promise<string[]> {
  const { kubernetes, namespace, service } = place;
  for (;;) {
    const facts = await deploymentOf(place);
    if (facts.health === "Healthy" && facts.image.endsWith(digest)) {
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
