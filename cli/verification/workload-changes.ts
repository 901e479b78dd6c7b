import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import { mapAt, nameOf, type KubernetesObject } from "../../kubernetes/object.ts";
import { workloadStatus } from "../status/workload-status.ts";

/** What a look may be waiting for: the collections of what makes the pods of servers, and their kinds. */
const watched = [
  { kind: "Deployment", group: "apps/v1", plural: "deployments" },
  { kind: "StatefulSet", group: "apps/v1", plural: "statefulsets" },
  { kind: "Rollout", group: "argoproj.io/v1alpha1", plural: "rollouts" },
] as const;

interface WatchedCluster {
  readonly client: () => KubernetesClient;
  readonly namespace: string;
}

/** Milliseconds until a watch that has ended begins again. */
const pauseBetweenWatches = 2_000;

/**
 * Says when a workload turns well or fails, so that nobody has to ask all the time. It is a help alone: where
 * the cluster does not let its user watch, nothing is ever said.
 */
export class WorkloadChanges implements Disposable {
  readonly #stop = new AbortController();
  readonly #states = new Map<string, string>();
  #next = Promise.withResolvers<void>();

  /** @param services those whose workloads count */
  constructor(clusters: readonly WatchedCluster[], services: ReadonlySet<string>) {
    for (const [index, { client, namespace }] of clusters.entries())
      for (const { kind, group, plural } of watched) {
        const path = `/apis/${group}/namespaces/${namespace}/${plural}`;
        void this.#follow(client, path, (workload) => {
          if (services.has(nameOf(workload))) this.#note(`${index} ${kind} ${nameOf(workload)}`, { ...workload, kind });
        });
      }
  }

  /** Fulfilled at the next change. */
  get next(): Promise<void> {
    return this.#next.promise;
  }

  async #follow(
    client: () => KubernetesClient,
    path: string,
    note: (workload: KubernetesObject) => void,
  ): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const event of client().watch(path, { signal })) note(mapAt(event, "object"));
      } catch (error) {
        // What is refused stays so, and a cluster without these kinds gets none meanwhile.
        if (error instanceof ApiError && error.status < 500) return;
      }
      await sleep(pauseBetweenWatches, undefined, { signal }).catch(() => undefined);
    }
  }

  #note(key: string, workload: KubernetesObject): void {
    const { image, health } = workloadStatus(workload);
    const state = `${image} ${health}`;
    const before = this.#states.get(key);
    this.#states.set(key, state);
    if (before === undefined || before === state || health === "Progressing") return;
    this.#next.resolve();
    this.#next = Promise.withResolvers<void>();
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
