import { mapAt, numberAt, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { JsonMap } from "../../kubernetes/json.ts";

/** What Argo CD takes where a sync policy does not say. Source: https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/ */
const defaults = { duration: "5s", factor: 2, maxDuration: "3m" };

/** How Argo CD ends the message of a sync that it will try again. */
const announced = /\.? ?Retrying attempt #(\d+) at \S+?\.?$/;

/**
 * The message of an Application's last sync. Of one that is tried again, Argo CD (3.6.1) announces the time of the attempt
 * before, and waits twice as long: the wait is computed by the number of attempts, which it counts up in between. So the time is
 * computed as Argo CD itself does when it waits. It comes first, since long messages are cut.
 */
export function syncMessage(application: KubernetesObject): string | undefined {
  const operation = mapAt(application, "status", "operationState");
  const message = stringAt(operation, "message");
  const found = message === undefined ? null : announced.exec(message);
  if (message === undefined || found === null) return message;
  const reason = message.slice(0, found.index);
  const at = nextAttempt(operation);
  const when = at === undefined ? "" : ` at ${at.toISOString().replace(/\.000Z$/, "Z")}`;
  return `tried again${when} (attempt ${found[1]})${reason === "" ? "" : `: ${reason}`}`;
}

/** `undefined`: nothing says when. */
function nextAttempt(operation: JsonMap): Date | undefined {
  const failed = Date.parse(stringAt(operation, "finishedAt") ?? "");
  const backoff = mapAt(operation, "operation", "retry", "backoff");
  const first = milliseconds(stringAt(backoff, "duration") || defaults.duration);
  const longest = milliseconds(stringAt(backoff, "maxDuration") || defaults.maxDuration);
  if (first === undefined || longest === undefined) return undefined;
  const factor = numberAt(backoff, "factor") ?? defaults.factor;
  const wait = first * factor ** (numberAt(operation, "retryCount") ?? 0);
  const next = failed + (longest > 0 ? Math.min(wait, longest) : wait);
  // No date is later.
  return Math.abs(next) <= 8.64e15 ? new Date(next) : undefined;
}

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** A number of seconds, or a duration as Go writes it, e.g. `1m30s`. */
function milliseconds(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  return [...text.matchAll(/([\d.]+)(\D+)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ""] ?? 0),
    0,
  );
}
