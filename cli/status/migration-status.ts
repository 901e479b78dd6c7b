import { migrationLabel } from "../../git/migration-record.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { labelsAt, listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { jobState, podsOf, readJobLog } from "../migrations/job-state.ts";
import type { ClusterLocation } from "./cluster-status.ts";
import type { MigrationState } from "./model.ts";

/** The newest migration of one service, as the cluster has it. */
export interface MigrationStatus extends MigrationState {
  readonly service: string;
  /** The Job. */
  readonly job: string;
}

/** Of each service that has had one. */
export async function readMigrationStatus(
  client: KubernetesClient,
  { app, namespace }: Pick<ClusterLocation, "app" | "namespace">,
  signal: AbortSignal,
): Promise<MigrationStatus[]> {
  const query = { labelSelector: `app.kubernetes.io/part-of=${app},${migrationLabel.key}=${migrationLabel.value}` };
  const list = await client.request("GET", `/apis/batch/v1/namespaces/${namespace}/jobs`, { query, signal });
  const oldestFirst = listAt(list, "items").toSorted((one, other) => (createdAt(one) < createdAt(other) ? -1 : 1));
  const newest = new Map(oldestFirst.map((job) => [serviceOf(job), job]));
  return Promise.all([...newest].map(([service, job]) => statusOf(client, service, job, namespace, signal)));
}

async function statusOf(
  client: KubernetesClient,
  service: string,
  job: KubernetesObject,
  namespace: string,
  signal: AbortSignal,
): Promise<MigrationStatus> {
  const location = { namespace, job: nameOf(job) };
  const state = jobState(job, await podsOf(client, location, signal));
  const [container = {}] = listAt(job, "spec", "template", "spec", "containers");
  return {
    service,
    job: location.job,
    digest: (stringAt(container, "image") ?? "").replace(/^.*@/, ""),
    state: state.state === "succeeded" ? "ok" : state.state === "failed" ? "failed" : "progress",
    message: "message" in state ? state.message : null,
    log: state.state === "failed" ? await readJobLog(client, location, signal) : [],
  };
}

function createdAt(job: KubernetesObject): string {
  return stringAt(job, "metadata", "creationTimestamp") ?? "";
}

function serviceOf(job: KubernetesObject): string {
  const name = labelsAt(job)["app.kubernetes.io/name"];
  return typeof name === "string" ? name.replace(/-migration$/, "") : nameOf(job);
}
