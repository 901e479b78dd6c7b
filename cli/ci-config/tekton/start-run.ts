import { errorMessage } from "../../../core/error.ts";
import { backoff, onTheClock, retry, type Wait } from "../../../core/retry.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { ApiError, isNotFound } from "../../../kubernetes/errors.ts";
import type { JsonMap } from "../../../kubernetes/json.ts";
import { listAt, nameOf, stringAt } from "../../../kubernetes/object.ts";
import { CommandError, type CommandContext } from "../../command.ts";
import type { PipelineRun } from "./objects.ts";
import { triggerLabel } from "./runs.ts";

/** How many runs that have ended are kept, of a trigger. */
const kept = 20;
/** Between two looks at a run, in milliseconds. */
const interval = 3000;
/** How often an API server that does not answer is asked again, with a pause of up to 20 s. */
const attempts = {
  beforeStart: 4,
  // Some 15 minutes: where there is but one API server, it is away for minutes when it is upgraded, and runs go on without it.
  whileRunning: 50,
} as const;

type Ask = <Answer>(question: () => Promise<Answer>, times: number) => Promise<Answer>;

/**
 * Starts a run, and waits until it has ended: whoever waits for this process waits for the run, and cancels it with it.
 * @param wait lets time pass; @default on the clock
 * @throws CommandError if it is refused or cannot be asked for, if a job fails, or when it is interrupted
 */
export async function startRun(
  client: KubernetesClient,
  run: PipelineRun,
  { signal, note, print }: Pick<CommandContext, "signal" | "note" | "print">,
  wait: Wait = onTheClock,
): Promise<void> {
  const { namespace = "" } = run.metadata;
  const runs = `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns`;
  const ask: Ask = (question, times) =>
    retry(question, {
      pauses: backoff(times, 1000, 20_000),
      isTransient: (error) => !(error instanceof ApiError) || error.status >= 500 || error.status === 429,
      onRetry: (error, pause) => note(`${errorMessage(error)}; trying again in ${pause / 1000} s`),
      signal,
      wait,
    });
  try {
    await prune(client, runs, run, ask);
    // Not sent twice: where its answer is lost, there would be two runs.
    const started = await client.request("POST", runs, { body: run, signal });
    const name = nameOf(started);
    print(`PipelineRun ${namespace}/${name}`);
    try {
      const look = () => client.request("GET", `${runs}/${name}`, { signal });
      await ended(() => ask(look, attempts.whileRunning), { signal, print, wait });
    } catch (error) {
      if (signal.aborted) await cancel(client, `${runs}/${name}`);
      throw error;
    }
  } catch (error) {
    if (signal.aborted) throw new CommandError("interrupted", { cause: error });
    if (error instanceof CommandError) throw error;
    throw new CommandError(`Tekton does not run it in ${namespace}: ${errorMessage(error)}`, { cause: error });
  }
}

/** Looks at it until it has ended, and says what comes of its jobs. @throws CommandError if one fails */
async function ended(
  look: () => Promise<JsonMap>,
  { signal, print, wait }: Pick<CommandContext, "signal" | "print"> & { readonly wait: Wait },
): Promise<void> {
  for (;;) {
    const { status, reason, message } = succeeded(await look());
    if (status === "True") return print(message);
    if (status === "False") throw new CommandError(`the run has failed: ${reason}: ${message}`);
    await wait(interval, signal);
  }
}

/** Source: https://tekton.dev/docs/pipelines/pipelineruns/#monitoring-execution-status */
function succeeded(run: JsonMap): { status: string; reason: string; message: string } {
  const condition = listAt(run, "status", "conditions").find((one) => one["type"] === "Succeeded") ?? {};
  return {
    status: stringAt(condition, "status") ?? "Unknown",
    reason: stringAt(condition, "reason") ?? "",
    message: stringAt(condition, "message") ?? "",
  };
}

/** The signal has gone off already, so this is not bound to it. */
async function cancel(client: KubernetesClient, path: string): Promise<void> {
  await client.request("PATCH", path, {
    body: { spec: { status: "Cancelled" } },
    contentType: "application/merge-patch+json",
    signal: AbortSignal.timeout(10_000),
  });
}

/** Removes runs that have ended, but for the newest: their pods and volumes go with them. */
async function prune(client: KubernetesClient, runs: string, { metadata }: PipelineRun, ask: Ask): Promise<void> {
  const trigger = metadata.labels?.[triggerLabel] ?? "";
  const query = { labelSelector: `${triggerLabel}=${trigger}` };
  const all = await ask(() => client.request("GET", runs, { query }), attempts.beforeStart);
  const old = listAt(all, "items")
    .filter((one) => succeeded(one).status !== "Unknown")
    .toSorted((one, other) => createdAt(other).localeCompare(createdAt(one)))
    .slice(kept);
  for (const one of old) await ask(() => remove(client, `${runs}/${nameOf(one)}`), attempts.beforeStart);
}

/** Two runs that start at the same time remove the same. */
async function remove(client: KubernetesClient, path: string): Promise<void> {
  try {
    await client.request("DELETE", path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function createdAt(run: JsonMap): string {
  return stringAt(run, "metadata", "creationTimestamp") ?? "";
}
