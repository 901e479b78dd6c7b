import { setTimeout as sleep } from "node:timers/promises";
import { retry } from "../../../core/retry.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { UnreachableError } from "../../../kubernetes/errors.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { listAt, nameOf, stringAt, textOf, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { PropertyMap } from "../property.ts";
import type { Cluster } from "./session.ts";

/** What is known of readiness at one moment. `settled`: ready, unless something changes within that many seconds. */
export type Verdict =
  | { state: "ready" }
  | { state: "settled"; seconds: number }
  | { state: "waiting"; message: string }
  | { state: "failed"; message: string };

export const ready: Verdict = { state: "ready" };

export function pending(message: string): Verdict {
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
  /** Whether a refresh checks readiness, too. */
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
    // The pending read fails when the watch is ended here.
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

export interface ListQuery {
  /** A collection's path. */
  path: string;
  fieldSelector?: string;
  labelSelector?: string;
}

/** The objects of a collection, once. The API server leaves their apiVersion and kind out. */
export async function list(client: KubernetesClient, query: ListQuery): Promise<KubernetesObject[]> {
  return listAt(await client.request("GET", query.path, { query: selectors(query) }), "items");
}

/** The objects of a collection, now and after each change, until the signal ends it with an error. */
export async function* watchList(
  client: KubernetesClient,
  query: ListQuery,
  signal: AbortSignal,
): AsyncGenerator<KubernetesObject[]> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await getWithRetry(client, query, signal);
    const objects = new Map(listAt(answer, "items").map((object) => [nameOf(object), object]));
    yield [...objects.values()];
    const resourceVersion = stringAt(answer, "metadata", "resourceVersion");
    try {
      for await (const event of client.watch(query.path, { query: { ...selectors(query), resourceVersion }, signal })) {
        const object = event["object"];
        // An error event says that the watch is too old: list again.
        if (!isMap(object) || event["type"] === "ERROR") break;
        if (event["type"] === "DELETED") objects.delete(nameOf(object));
        else objects.set(nameOf(object), object);
        yield [...objects.values()];
      }
    } catch {
      // The watch broke off; the list at the top tells whether the server still answers.
    }
    await sleep(200, undefined, { signal });
  }
}

/** Waits for an API server that restarts, for 30 seconds. */
async function getWithRetry(client: KubernetesClient, query: ListQuery, signal: AbortSignal): Promise<PropertyMap> {
  const deadline = Date.now() + 30_000;
  return retry(() => client.request("GET", query.path, { query: selectors(query), signal }), {
    pauses: Array.from({ length: 60 }, () => 500),
    isTransient: (error) => error instanceof UnreachableError && Date.now() <= deadline,
    signal,
  });
}

function selectors({ fieldSelector, labelSelector }: ListQuery): Record<string, string | undefined> {
  return { fieldSelector, labelSelector };
}

/** A label selector for the query string; undefined where the selector is empty, which selects everything. */
export function selectorText(selector: PropertyMap): string | undefined {
  const labels = isMap(selector["matchLabels"]) ? selector["matchLabels"] : {};
  const expressions = listAt(selector, "matchExpressions").flatMap((expression) => {
    const [key, operator] = [stringAt(expression, "key") ?? "", stringAt(expression, "operator")];
    const values = Array.isArray(expression["values"]) ? expression["values"].map(textOf).join(",") : "";
    if (operator === "In") return [`${key} in (${values})`];
    if (operator === "NotIn") return [`${key} notin (${values})`];
    return operator === "Exists" ? [key] : operator === "DoesNotExist" ? [`!${key}`] : [];
  });
  const terms = [...Object.entries(labels).map(([key, value]) => `${key}=${textOf(value)}`), ...expressions];
  return terms.length > 0 ? terms.join(",") : undefined;
}
