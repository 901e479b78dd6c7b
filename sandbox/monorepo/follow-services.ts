import { setTimeout as sleep } from "node:timers/promises";
import { listPods, listWorkloads, type ClusterLocation } from "../../cli/status/cluster-status.ts";
import { listRefusals } from "../../cli/status/refused-pods.ts";
import { workloadStatus, type WorkloadParts } from "../../cli/status/workload-status.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { listAt, mapAt, nameOf, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";

/** What has become of a service on the cluster; without a reason, all its pods run and are ready. */
export interface ServiceState {
  readonly service: string;
  readonly reason?: string;
}

export interface FollowArgs {
  readonly kubernetes: KubernetesClient;
  readonly location: ClusterLocation;
  /** Service → the digest that is to run. */
  readonly released: ReadonlyMap<string, string>;
  /** Dependency → why it cannot run. */
  readonly absent: ReadonlyMap<string, string>;
  /** Service → its dependencies. */
  readonly dependencies: ReadonlyMap<string, readonly string[]>;
  /** Called once for every service, as soon as its state is clear. */
  readonly onState: (state: ServiceState) => void;
  /** Seconds after which what does not run yet does not run. @default 180 */
  readonly limitSeconds?: number;
  /** Seconds that a service has to start without a dependency that cannot run: some wait for none. @default 20 */
  readonly graceSeconds?: number;
}

const pollMilliseconds = 500;

/** Follows released services until each runs, or it is clear that it does not. */
export async function followServices(args: FollowArgs): Promise<void> {
  const { kubernetes, location, released, onState, limitSeconds = 180, graceSeconds = 20 } = args;
  const open = new Map(released);
  const start = Date.now();
  while (open.size > 0) {
    const signal = AbortSignal.timeout(30_000);
    const [{ workloads, runs }, pods, refusals] = await Promise.all([
      listWorkloads(kubernetes, location, signal),
      listPods(kubernetes, location, signal),
      listRefusals(kubernetes, location.namespace, signal),
    ]);
    const seconds = (Date.now() - start) / 1000;
    const states = [...open].map(([service, digest]) =>
      stateOf(service, digest, workloads, { jobs: runs, pods, refusals }),
    );
    // What waits for something that will not come is given up once all others are clear.
    const isClear = ({ state }: Observed): boolean =>
      state !== "pending" ||
      seconds >= limitSeconds ||
      (seconds >= graceSeconds && states.every((one) => one.state !== "pending" || waitsInVain(one.service, args)));
    for (const observed of states) {
      if (!isClear(observed)) continue;
      open.delete(observed.service);
      onState(outcome(observed, args));
    }
    if (open.size > 0) await sleep(pollMilliseconds);
  }
}

interface Observed {
  readonly service: string;
  readonly state: "running" | "pending" | "stuck";
  readonly reason: string;
}

function waitsInVain(service: string, { dependencies, absent }: FollowArgs): boolean {
  return (dependencies.get(service) ?? []).some((name) => absent.has(name));
}

function outcome({ service, state, reason }: Observed, args: FollowArgs): ServiceState {
  if (state === "running") return { service };
  const missing = (args.dependencies.get(service) ?? []).find((name) => args.absent.has(name));
  return missing === undefined
    ? { service, reason }
    : { service, reason: `waits for ${missing}: ${args.absent.get(missing)} (${reason})` };
}

function stateOf(
  service: string,
  digest: string,
  workloads: readonly KubernetesObject[],
  parts: Required<WorkloadParts>,
): Observed {
  const workload = workloads.find((one) => nameOf(one) === service);
  const status = workload && workloadStatus(workload, parts);
  if (status === undefined || !status.image.endsWith(digest))
    return { service, state: "pending", reason: "Argo CD has not brought its image to the cluster yet" };
  if (status.health === "Healthy") return { service, state: "running", reason: "" };
  // A run is tried again as often as it may be; then it has failed.
  if (status.health === "Degraded" && workload?.["kind"] !== "Deployment")
    return { service, state: "stuck", reason: status.message ?? "it has failed" };
  const own = parts.pods
    .filter((pod) => stringAt(pod, "metadata", "labels", "app.kubernetes.io/name") === service)
    .filter((pod) => listAt(pod, "spec", "containers").some((one) => stringAt(one, "image")?.endsWith(digest) === true))
    .map(podTrouble);
  const [worst = { isStuck: false, reason: status.message ?? "its pods are not there yet" }] = own.toSorted(
    (a, b) => Number(b.isStuck) - Number(a.isStuck),
  );
  return { service, state: worst.isStuck ? "stuck" : "pending", reason: worst.reason };
}

/** Reasons for which a container waits until somebody changes something. */
const final =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError)$/;
/** So often a container may end before it is taken for one that cannot run: others that it needs start meanwhile. */
const patience = 4;

/** Why a pod is not ready. */
export function podTrouble(pod: KubernetesObject): { readonly isStuck: boolean; readonly reason: string } {
  for (const container of listAt(pod, "status", "containerStatuses")) {
    const waiting = mapAt(container, "state", "waiting");
    const ended = [mapAt(container, "state", "terminated"), mapAt(container, "lastState", "terminated")].find(
      (one) => stringAt(one, "reason") !== undefined,
    );
    const restarts = numberAt(container, "restartCount") ?? 0;
    if (ended !== undefined) return { isStuck: restarts >= patience, reason: endReason(ended, restarts) };
    const reason = stringAt(waiting, "reason");
    if (reason !== undefined && final.test(reason))
      return { isStuck: true, reason: `${reason}: ${stringAt(waiting, "message") ?? "no more is known"}` };
  }
  const scheduled = listAt(pod, "status", "conditions").find((one) => stringAt(one, "type") === "PodScheduled");
  if (scheduled !== undefined && stringAt(scheduled, "status") === "False")
    return { isStuck: false, reason: stringAt(scheduled, "message") ?? "no node takes it" };
  return { isStuck: false, reason: "it runs, and is not ready: does it listen on its port, and answer its probes?" };
}

function endReason(ended: KubernetesObject, restarts: number): string {
  const started = restarts === 0 ? "started once" : `started ${restarts + 1} times`;
  const message = stringAt(ended, "message")?.replaceAll(/\s+/g, " ").trim();
  // It has not even begun, e.g. for a program that the image does not have.
  if (/^(StartError|ContainerCannotRun)$/.test(stringAt(ended, "reason") ?? ""))
    return `its container cannot start: ${message ?? "no more is known"}`;
  const why = stringAt(ended, "reason") === "OOMKilled" ? ": it takes more memory than resources.limits allow" : "";
  return `its container ends with exit status ${numberAt(ended, "exitCode") ?? "unknown"}${why} (${started})`;
}
