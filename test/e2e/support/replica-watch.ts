import { z } from "zod";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { eventually } from "../../support/eventually.ts";
import { deploymentPath } from "../../support/sandbox-harness.ts";

const podEvent = z.object({
  type: z.enum(["ADDED", "MODIFIED", "DELETED"]),
  object: z.object({
    metadata: z.object({ uid: z.string(), deletionTimestamp: z.string().optional() }),
    status: z.object({
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    }),
  }),
});

const deploymentEvent = z.object({
  type: z.enum(["ADDED", "MODIFIED", "DELETED"]),
  object: z.object({ spec: z.object({ replicas: z.number() }) }),
});

/** What has happened to the number of a service's pods since the watch began: every change, not samples. */
export interface ReplicaWatch extends AsyncDisposable {
  /** The fewest pods that were ready, and not being deleted, at any moment. */
  readonly fewest: number;
  /** How many pods the Deployment has wanted, one after the other. */
  readonly wanted: readonly number[];
}

/** @param count how many pods are ready now; the watch begins once it has seen them all */
export async function watchReplicas(
  kubernetes: KubernetesClient,
  namespace: string,
  service: string,
  count: number,
): Promise<ReplicaWatch> {
  const stop = new AbortController();
  const { signal } = stop;
  const failures: unknown[] = [];
  const ready = new Set<string>();
  const wanted: number[] = [];
  let fewest = Infinity;
  let begun = false;

  async function watchPods(): Promise<void> {
    const query = { labelSelector: `app.kubernetes.io/name=${service}` };
    for await (const event of kubernetes.watch(`/api/v1/namespaces/${namespace}/pods`, { query, signal })) {
      const { type, object } = podEvent.parse(event);
      const { uid, deletionTimestamp } = object.metadata;
      const isReady = object.status.conditions.some((one) => one.type === "Ready" && one.status === "True");
      if (type !== "DELETED" && deletionTimestamp === undefined && isReady) ready.add(uid);
      else ready.delete(uid);
      // Those that are there come one after the other at first.
      begun ||= ready.size >= count;
      if (begun) fewest = Math.min(fewest, ready.size);
    }
  }

  async function watchDeployment(): Promise<void> {
    const path = deploymentPath(namespace, "").replace(/\/$/, "");
    const query = { fieldSelector: `metadata.name=${service}` };
    for await (const event of kubernetes.watch(path, { query, signal })) {
      const { replicas } = deploymentEvent.parse(event).object.spec;
      if (wanted.at(-1) !== replicas) wanted.push(replicas);
    }
  }

  const watches = [watchPods(), watchDeployment()].map((watch) =>
    watch.then(
      () => failures.push("a watch has ended"),
      (error: unknown) => failures.push(error),
    ),
  );
  await eventually(`${count} pods of ${service} are ready`, async () =>
    Promise.resolve((begun || count === 0) && wanted.length > 0),
  );
  const assertWhole = (): void => {
    if (failures.length > 0) throw new Error(`the watch of ${service} is not whole: ${String(failures[0])}`);
  };
  return {
    get fewest() {
      assertWhole();
      return fewest;
    },
    get wanted() {
      assertWhole();
      return wanted;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(watches);
    },
  };
}
