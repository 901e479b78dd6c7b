import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../../core/error.ts";
import type { Delivery, Store } from "./state.ts";

/** Who is told of what happens. */
export interface WebhookTarget {
  readonly url: string;
  /** Signs what is sent, so that the receiver knows the sender. */
  readonly secret: string;
}

const timeoutMilliseconds = 10_000;
const longestPause = 5_000;
/** GitHub keeps trying not at all; here the receiver may just be starting. */
const giveUpMilliseconds = 10 * 60_000;

/** Brings the queued deliveries to all targets in their order: at least once, and each again until it is taken. */
export function startWebhookDispatcher(
  store: Store,
  targets: readonly WebhookTarget[],
  log: (line: string) => void,
): { wake: () => void } & AsyncDisposable {
  const abort = new AbortController();
  const { signal } = abort;
  const waiting: { wake: () => void } = { wake: () => undefined };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => (waiting.wake = resolve));
      const [next] = await store.transaction(({ deliveries }) => deliveries);
      if (next === undefined) {
        await woken;
        continue;
      }
      await Promise.all(targets.map((target) => deliver(next, target, signal, log)));
      if (signal.aborted) return;
      await store.transaction((state) => {
        state.deliveries = state.deliveries.filter(({ id }) => id !== next.id);
      });
    }
  };
  const running = run();
  return {
    wake: () => waiting.wake(),
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      waiting.wake();
      await running;
    },
  };
}

async function deliver(
  delivery: Delivery,
  { url, secret }: WebhookTarget,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  const { id, event, queuedAt } = delivery;
  const body = JSON.stringify(delivery.payload);
  const headers = {
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/sandbox",
    "x-github-event": event,
    "x-github-delivery": id,
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  };
  for (let pause = 100; !signal.aborted; pause = Math.min(pause * 2, longestPause)) {
    const problem = await post(url, headers, body, signal);
    if (problem === undefined) return log(`webhook ${event} ${id}: delivered to ${url}`);
    const given = Date.now() - Date.parse(queuedAt) > giveUpMilliseconds ? "given up" : `again in ${pause / 1000} s`;
    log(`webhook ${event} ${id}: ${url}: ${problem} (${given})`);
    if (given === "given up") return;
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** Why it was not taken. */
async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]);
    const response = await fetch(url, { method: "POST", headers, body, signal: limit });
    await response.body?.cancel();
    return response.ok ? undefined : `answers ${response.status}`;
  } catch (error) {
    return errorMessage(error);
  }
}
