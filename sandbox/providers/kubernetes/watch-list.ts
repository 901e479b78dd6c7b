import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { UnreachableError } from "../../../kubernetes/errors.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { listAt, nameOf, stringAt, textOf, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { PropertyMap } from "../property.ts";

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
    const answer = await patientGet(client, query, signal);
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

/** An API server that restarts is waited for. */
async function patientGet(client: KubernetesClient, query: ListQuery, signal: AbortSignal): Promise<PropertyMap> {
  const giveUp = Date.now() + 30_000;
  for (;;) {
    try {
      return await client.request("GET", query.path, { query: selectors(query), signal });
    } catch (error) {
      if (!(error instanceof UnreachableError) || Date.now() > giveUp) throw error;
      await sleep(500, undefined, { signal });
    }
  }
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
