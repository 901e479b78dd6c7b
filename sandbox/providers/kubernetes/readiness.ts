import { annotationOf, describe, kindOf, type KubernetesObject } from "../../../kubernetes/object.ts";
import { groupOf } from "../../../kubernetes/scope.ts";
import {
  applicationReasons,
  customResourceDefinitionAwaiter,
  ingressAwaiter,
  persistentVolumeAwaiter,
  persistentVolumeClaimAwaiter,
  resourceQuotaAwaiter,
  secretAwaiter,
  serviceAwaiter,
} from "./object-readiness.ts";
import type { Cluster } from "./session.ts";
import { waitForAwaiter } from "./wait-for.ts";
import { awaitStage, checkStage, type Awaiter } from "./watch.ts";
import {
  daemonSetAwaiter,
  deploymentAwaiter,
  jobAwaiter,
  podAwaiter,
  statefulSetAwaiter,
} from "./workload-readiness.ts";

/** By `group/Kind`; kinds that are not here are ready as soon as they exist. */
const awaiters: Readonly<Record<string, Awaiter>> = {
  "apps/Deployment": deploymentAwaiter,
  "apps/StatefulSet": statefulSetAwaiter,
  "apps/DaemonSet": daemonSetAwaiter,
  "batch/Job": jobAwaiter,
  "networking.k8s.io/Ingress": ingressAwaiter,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinitionAwaiter,
  "/PersistentVolume": persistentVolumeAwaiter,
  "/PersistentVolumeClaim": persistentVolumeClaimAwaiter,
  "/Pod": podAwaiter,
  "/ResourceQuota": resourceQuotaAwaiter,
  "/Secret": secretAwaiter,
  "/Service": serviceAwaiter,
};

/** What objects of a kind, by `group/Kind`, say themselves where they are waited for by an annotation. */
const explanations: Readonly<Record<string, Awaiter["reasons"] & object>> = {
  "argoproj.io/Application": applicationReasons,
};

/** Seconds; the official provider's default. */
const defaultTimeout = 600;

export function isAwaitSkipped(inputs: KubernetesObject): boolean {
  return annotationOf(inputs, "pulumi.com/skipAwait") === "true";
}

/** The resource's `customTimeouts`, else its annotation pulumi.com/timeoutSeconds, else ten minutes. */
export function timeoutOf(inputs: KubernetesObject, timeoutSeconds: number): number {
  const annotated = Number.parseInt(annotationOf(inputs, "pulumi.com/timeoutSeconds") ?? "", 10);
  return timeoutSeconds || (Number.isNaN(annotated) ? defaultTimeout : annotated);
}

/** Whether objects of this kind are awaited, unless their annotations say otherwise. */
export function isAwaited(object: KubernetesObject): boolean {
  const { apiVersion, kind } = kindOf(object);
  return Object.hasOwn(awaiters, `${groupOf(apiVersion)}/${kind}`);
}

function awaiterOf(inputs: KubernetesObject): Awaiter | undefined {
  if (isAwaitSkipped(inputs)) return undefined;
  const waitFor = annotationOf(inputs, "pulumi.com/waitFor");
  const { apiVersion, kind } = kindOf(inputs);
  const key = `${groupOf(apiVersion)}/${kind}`;
  const reasons = explanations[key];
  if (waitFor) return { ...waitForAwaiter(waitFor), ...(reasons === undefined ? {} : { reasons }) };
  return awaiters[key];
}

interface AwaitedObject {
  inputs: KubernetesObject;
  /** As the API server returned it. */
  object: KubernetesObject;
  /** Of the resource's `customTimeouts`; 0: none. */
  timeoutSeconds: number;
  cancelled: AbortSignal;
  /** Takes what is being waited for, whenever that changes. */
  report: (message: string) => void;
}

/**
 * Waits until the object, as it was applied, is ready.
 *
 * @returns Why it is not: empty when it is ready.
 */
export async function awaitReady(
  cluster: Cluster,
  { inputs, object, timeoutSeconds, cancelled, report }: AwaitedObject,
): Promise<string[]> {
  const awaiter = awaiterOf(inputs);
  if (awaiter === undefined) return [];
  const seconds = timeoutOf(inputs, timeoutSeconds);
  const elapsed = AbortSignal.timeout(seconds * 1000);
  const signal = AbortSignal.any([elapsed, cancelled]);
  let progress = "";
  const note = (message: string): void => {
    if (message !== progress) report(message);
    progress = message;
  };
  try {
    for (const stage of await awaiter.stages(cluster, object)) {
      const failure = await awaitStage(cluster, stage, signal, note);
      if (failure !== undefined)
        return [`${describe(object)} failed: ${failure}`, ...(await explainUnready(awaiter, cluster, object))];
    }
    if (progress !== "") report("ready");
    return [];
  } catch (error) {
    if (!signal.aborted) throw error;
    const how = elapsed.aborted
      ? `did not become ready within ${seconds} s`
      : "was awaited when the operation was cancelled";
    return [
      `${describe(object)} ${how}${progress ? `: ${progress}` : ""}`,
      ...(await explainUnready(awaiter, cluster, object)),
    ];
  }
}

/** Why the object is not ready at this moment, for a refresh; empty when it is, or when a refresh does not check its kind. */
export async function checkReady(
  cluster: Cluster,
  inputs: KubernetesObject,
  object: KubernetesObject,
): Promise<string[]> {
  const { apiVersion, kind } = kindOf(object);
  const awaiter = isAwaitSkipped(inputs) ? undefined : awaiters[`${groupOf(apiVersion)}/${kind}`];
  if (awaiter?.onRead !== true) return [];
  for (const stage of await awaiter.stages(cluster, object)) {
    const problem = await checkStage(cluster, stage);
    if (problem !== undefined)
      return [`${describe(object)} is not ready: ${problem}`, ...(await explainUnready(awaiter, cluster, object))];
  }
  return [];
}

async function explainUnready(awaiter: Awaiter, cluster: Cluster, object: KubernetesObject): Promise<string[]> {
  try {
    return (await awaiter.reasons?.(cluster, object)) ?? [];
  } catch {
    // The failure is reported without the pods' messages.
    return [];
  }
}
