import type { Cluster } from "../cluster.ts";
import { list, watchList } from "../watch-list.ts";
import type { ListQuery } from "../watch-list.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";

/** What is known of readiness at one moment. `settled`: ready, if nothing changes for that many seconds. */
export type Verdict =
  | { state: "ready" }
  | { state: "settled"; seconds: number }
  | { state: "waiting"; message: string }
  | { state: "failed"; message: string };

export const ready: Verdict = { state: "ready" };

export function waiting(message: string): Verdict {
  return { state: "waiting", message };
}

/** One thing to wait for: a collection, and how to judge it. */
export interface Stage extends ListQuery {
  judge(objects: readonly KubernetesObject[]): Verdict;
}

/** How objects of a kind become ready. */
export interface Awaiter {
  stages(cluster: Cluster, object: KubernetesObject): Promise<Stage[]> | Stage[];
  /** Why it is not ready, beyond the verdict: what its pods say. */
  reasons?(cluster: Cluster, object: KubernetesObject): Promise<string[]>;
  /** A refresh looks at readiness too. */
  onRead?: boolean;
}

/** A stage that judges one object. */
export function objectStage(path: string, name: string, judge: (object: KubernetesObject) => Verdict): Stage {
  return {
    path,
    fieldSelector: `metadata.name=${name}`,
    judge: ([object]) =>
      object === undefined ? { state: "failed", message: `${name} was deleted while it was awaited` } : judge(object),
  };
}

/** Waits until the stage is ready; else why not. @throws the signal's error when the time is up. */
export async function awaitStage(
  cluster: Cluster,
  stage: Stage,
  signal: AbortSignal,
  progress: (message: string) => void,
): Promise<string | undefined> {
  const done = new AbortController();
  const changes = watchList(cluster.client, stage, AbortSignal.any([signal, done.signal]));
  let next = changes.next();
  try {
    for (;;) {
      const { value: objects = [] } = await next;
      const verdict = stage.judge(objects);
      if (verdict.state === "ready") return undefined;
      if (verdict.state === "failed") return verdict.message;
      next = changes.next();
      if (verdict.state === "waiting") progress(verdict.message);
      else if (await quiet(next, verdict.seconds)) return undefined;
    }
  } finally {
    // The pending read ends with the watch; its error is of no interest any more.
    next.catch(() => undefined);
    done.abort();
  }
}

async function quiet(next: Promise<unknown>, seconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<true>((resolve) => {
    timer = setTimeout(() => resolve(true), seconds * 1000);
  });
  try {
    return await Promise.race([next.then(() => false), elapsed]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the stage is ready at this moment; else why not. */
export async function checkStage(cluster: Cluster, stage: Stage): Promise<string | undefined> {
  const verdict = stage.judge(await list(cluster.client, stage));
  return verdict.state === "waiting" || verdict.state === "failed" ? verdict.message : undefined;
}
