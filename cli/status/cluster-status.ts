import { routeProblem } from "../../components/route-acceptance.ts";
import { NotReachableError } from "../../core/error.ts";
import { projectName } from "../../core/names.ts";
import { migrationLabel } from "../../git/migration-record.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { isNotFound } from "../../kubernetes/errors.ts";
import {
  conditionOf,
  labelsAt,
  listAt,
  nameOf,
  numberAt,
  stringAt,
  type KubernetesObject,
} from "../../kubernetes/object.ts";
import type { State } from "./model.ts";
import { memoryHints } from "./out-of-memory.ts";
import { syncMessage } from "./sync-retry.ts";

/** The state of a Deployment, as its own status says. */
export interface DeploymentStatus {
  readonly service: string;
  /** As in the manifest: by digest, or by tag where nothing is released. */
  readonly image: string;
  readonly state: State;
  /** In Argo CD's words. */
  readonly health: "Healthy" | "Progressing" | "Degraded" | "Suspended";
  readonly message: string | null;
  /** When its rollout last moved. */
  readonly changedAt: string | null;
  /** What to do about pods that needed more memory than they may have. @default there were none */
  readonly memoryHint?: string;
}

/** What Argo CD says of one service. */
export interface ApplicationStatus {
  readonly service: string;
  readonly sync: string;
  readonly health: string;
  /** Of the last sync, e.g. `Succeeded`. */
  readonly phase: string | null;
  readonly message: string | null;
}

export interface ClusterLocation {
  readonly app: string;
  readonly environment: string;
  readonly namespace: string;
  readonly argoCdNamespace: string;
}

/** The Deployments of the environment: of services and of deployed dependencies. */
export async function readDeployments(
  client: KubernetesClient,
  location: ClusterLocation,
  signal: AbortSignal,
): Promise<DeploymentStatus[]> {
  const [deployments, pods, ...routes] = await Promise.all([
    listDeployments(client, location, signal),
    // Who may not see pods does without the hint.
    listPods(client, location, signal).catch(() => []),
    // Most clusters have no routes of one kind or both.
    ...["httproutes", "grpcroutes"].map((plural) =>
      listOwn(client, "/apis/gateway.networking.k8s.io/v1", plural, location, signal).catch(() => []),
    ),
  ]);
  const hints = memoryHints(pods);
  const unreachable = new Map(
    routes.flat().flatMap((route) => {
      const problem = routeProblem(route);
      return problem === undefined ? [] : [[nameOf(route), problem] as const];
    }),
  );
  return deployments.map((deployment) => {
    const memoryHint = hints.get(nameOf(deployment));
    const status = reachedFromOutside(deploymentStatus(deployment), unreachable.get(nameOf(deployment)));
    return { ...status, ...(memoryHint === undefined ? {} : { memoryHint }) };
  });
}

/** Pods that nobody reaches are no good, however well they are. */
function reachedFromOutside(status: DeploymentStatus, problem: string | undefined): DeploymentStatus {
  if (problem === undefined || status.state !== "ok") return status;
  return { ...status, state: "failed", health: "Degraded", message: `not reachable from outside: ${problem}` };
}

export function listDeployments(
  client: KubernetesClient,
  location: ClusterLocation,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  return listOwn(client, "/apis/apps/v1", "deployments", location, signal);
}

export function listPods(
  client: KubernetesClient,
  location: ClusterLocation,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  return listOwn(client, "/api/v1", "pods", location, signal);
}

/** All of a kind in the environment's namespace, whoever has made them; none where the cluster does not know the kind. */
export async function listAll(
  client: KubernetesClient,
  kind: "policy/v1/poddisruptionbudgets" | "batch/v1/cronjobs",
  { namespace }: Pick<ClusterLocation, "namespace">,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const [group, version, plural] = kind.split("/");
  const path = `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
  const list = await client.request("GET", path, { signal }).catch((error: unknown) => {
    if (isNotFound(error)) return {};
    throw error;
  });
  return listAt(list, "items");
}

async function listOwn(
  client: KubernetesClient,
  group: string,
  plural: string,
  { app, namespace }: ClusterLocation,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const query = { labelSelector: `app.kubernetes.io/part-of=${app}` };
  return listAt(await client.request("GET", `${group}/namespaces/${namespace}/${plural}`, { query, signal }), "items");
}

/** @throws NotReachableError where Argo CD is not installed */
export async function readApplications(
  client: KubernetesClient,
  location: ClusterLocation,
  signal: AbortSignal,
): Promise<ApplicationStatus[]> {
  const prefix = `${projectName(location.app, location.environment)}-`;
  // Those of migrations say nothing of the service: their Jobs are asked themselves.
  return (await listApplications(client, location, signal))
    .filter((application) => labelsAt(application)[migrationLabel.key] !== migrationLabel.value)
    .map((application) => applicationStatus(application, prefix));
}

/** @throws NotReachableError where Argo CD is not installed */
export async function listApplications(
  client: KubernetesClient,
  location: ClusterLocation,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${location.argoCdNamespace}/applications`;
  const list = await client.request("GET", path, { signal }).catch((error: unknown) => {
    throw isNotFound(error) ? new NotReachableError("Argo CD is not installed on the cluster") : error;
  });
  const project = projectName(location.app, location.environment);
  return listAt(list, "items").filter((application) => stringAt(application, "spec", "project") === project);
}

export function applicationStatus(application: KubernetesObject, prefix: string): ApplicationStatus {
  const name = nameOf(application);
  const operation = syncMessage(application);
  const phase = stringAt(application, "status", "operationState", "phase") ?? null;
  const error = listAt(application, "status", "conditions").find((condition) =>
    (stringAt(condition, "type") ?? "").endsWith("Error"),
  );
  const health = stringAt(application, "status", "health", "message");
  return {
    service: name.startsWith(prefix) ? name.slice(prefix.length) : name,
    sync: stringAt(application, "status", "sync", "status") ?? "Unknown",
    health: stringAt(application, "status", "health", "status") ?? "Unknown",
    phase,
    message: (error && stringAt(error, "message")) ?? (phase === "Succeeded" ? undefined : operation) ?? health ?? null,
  };
}

export function deploymentStatus(deployment: KubernetesObject): DeploymentStatus {
  const service = nameOf(deployment);
  const containers = listAt(deployment, "spec", "template", "spec", "containers");
  const container = containers.find(({ name }) => name === service) ?? containers[0] ?? {};
  const progressing = conditionOf(deployment, "Progressing");
  const rollout = rolloutOf(deployment);
  return {
    service,
    image: stringAt(container, "image") ?? "",
    ...rollout,
    changedAt:
      (progressing && stringAt(progressing, "lastUpdateTime")) ??
      stringAt(deployment, "metadata", "creationTimestamp") ??
      null,
  };
}

/** As Argo CD judges: https://argo-cd.readthedocs.io/en/stable/operator-manual/health/ */
function rolloutOf(deployment: KubernetesObject): Pick<DeploymentStatus, "state" | "health" | "message"> {
  const status = (key: string): number => numberAt(deployment, "status", key) ?? 0;
  const desired = numberAt(deployment, "spec", "replicas") ?? 1;
  const failure = [conditionOf(deployment, "ReplicaFailure"), conditionOf(deployment, "Progressing")].find(
    (condition, index) => condition?.["status"] === (index === 0 ? "True" : "False"),
  );
  if (failure !== undefined)
    return { state: "failed", health: "Degraded", message: stringAt(failure, "message") ?? "the rollout has failed" };
  if (status("observedGeneration") < (numberAt(deployment, "metadata", "generation") ?? 0))
    return { state: "progress", health: "Progressing", message: "the change has not been seen yet" };
  if (desired === 0) return { state: "unknown", health: "Suspended", message: "no pods are wanted" };
  const [updated, available, all] = [status("updatedReplicas"), status("availableReplicas"), status("replicas")];
  if (updated >= desired && available >= desired && all <= updated)
    return { state: "ok", health: "Healthy", message: null };
  return {
    state: "progress",
    health: "Progressing",
    message: `${Math.min(updated, available)} of ${desired} new pods are available`,
  };
}
