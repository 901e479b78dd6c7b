import { isNotFound } from "../../kubernetes/errors.ts";
import { isMap, valueAt } from "../../kubernetes/json.ts";
import { listRefusals, refusalOf } from "../status/refused-pods.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import {
  conditionOf,
  listAt,
  mapAt,
  nameOf,
  numberAt,
  stringAt,
  type KubernetesObject,
} from "../../kubernetes/object.ts";

/** What has become of the Job of a migration. */
export type JobState =
  | { readonly state: "missing" | "succeeded" }
  | { readonly state: "running" | "failed"; readonly message: string };

/** Lines of a log that are shown. */
const shownLines = 30;

interface JobLocation {
  readonly namespace: string;
  /** The Job's name. */
  readonly job: string;
}

/** @throws ApiError, UnreachableError */
export async function readJobState(
  client: KubernetesClient,
  { namespace, job }: JobLocation,
  signal: AbortSignal,
): Promise<JobState> {
  const path = `/apis/batch/v1/namespaces/${namespace}/jobs/${job}`;
  const found = await client.request("GET", path, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (found === undefined || stringAt(found, "metadata", "deletionTimestamp") !== undefined)
    return { state: "missing" };
  const state = jobState(found, await podsOf(client, { namespace, job }, signal));
  if (state.state !== "running" || state.message !== withoutPod) return state;
  const refusal = refusalOf({ kind: "Job", name: job }, await listRefusals(client, namespace, signal), "");
  return refusal === undefined ? state : { ...state, message: refusal };
}

const withoutPod = "it has no pod yet";

/** @param pods those of the Job */
export function jobState(job: KubernetesObject, pods: readonly KubernetesObject[]): JobState {
  if (conditionOf(job, "Complete")?.["status"] === "True") return { state: "succeeded" };
  const failed = conditionOf(job, "Failed");
  const reasons = pods.flatMap((pod) => podReason(pod) ?? []);
  if (failed?.["status"] === "True")
    return { state: "failed", message: reasons[0] ?? stringAt(failed, "message") ?? "the Job has failed" };
  return { state: "running", message: reasons[0] ?? (pods.length === 0 ? withoutPod : "it runs") };
}

/** Why a pod has ended, or does not start; `undefined`: it runs, or has succeeded. */
function podReason(pod: KubernetesObject): string | undefined {
  if (stringAt(pod, "status", "reason") === "DeadlineExceeded")
    return `it was stopped after ${numberAt(pod, "spec", "activeDeadlineSeconds")} s, its activeDeadlineSeconds`;
  const [container = {}] = listAt(pod, "status", "containerStatuses");
  const terminated = mapAt(container, "state", "terminated");
  const exitCode = numberAt(terminated, "exitCode") ?? 0;
  if (exitCode !== 0) {
    const reason = stringAt(terminated, "reason") ?? "Error";
    const message = stringAt(terminated, "message");
    const exit = `exit status ${exitCode}`;
    return `${reason === "Error" ? exit : `${reason}, ${exit}`}${message === undefined ? "" : `: ${message}`}`;
  }
  const waiting = valueAt(container, "state", "waiting");
  const unscheduled = conditionOf(pod, "PodScheduled");
  if (unscheduled?.["status"] === "False") return `no node takes its pod: ${stringAt(unscheduled, "message") ?? ""}`;
  if (!isMap(waiting) || ["ContainerCreating", "PodInitializing"].includes(stringAt(waiting, "reason") ?? ""))
    return undefined;
  return [stringAt(waiting, "reason"), stringAt(waiting, "message")].filter((part) => part !== undefined).join(": ");
}

/**
 * The last lines that the migration has printed. Nothing where there is no pod any more, or its log cannot be read, which is no
 * reason to withhold what has become of it.
 */
export async function readJobLog(
  client: KubernetesClient,
  location: JobLocation,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const [pod] = await podsOf(client, location, signal);
    if (pod === undefined) return [];
    const [container = {}] = listAt(pod, "spec", "containers");
    const query = { container: stringAt(container, "name"), tailLines: String(shownLines) };
    const path = `/api/v1/namespaces/${location.namespace}/pods/${nameOf(pod)}/log`;
    return (await client.text(path, { query, signal })).trimEnd().split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

/** The pods of a Job. */
export async function podsOf(
  client: KubernetesClient,
  { namespace, job }: JobLocation,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const query = { labelSelector: `batch.kubernetes.io/job-name=${job}` };
  return listAt(await client.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query, signal }), "items");
}
