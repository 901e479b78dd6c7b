import { routeProblem } from "../../components/cluster/route-acceptance.ts";
import { NotReachableError } from "../../core/error.ts";
import { projectName } from "../../core/names.ts";
import { migrationLabel } from "../../git/migration-record.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { isForbidden, isNotFound, type ApiError } from "../../kubernetes/errors.ts";
import { labelsAt, listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { memoryHints } from "./out-of-memory.ts";
import { listRefusals } from "./refused-pods.ts";
import { syncMessage } from "./sync-retry.ts";
import { workloadStatus, type WorkloadStatus } from "./workload-status.ts";

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

/** What makes the pods of services and of deployed dependencies. */
export async function readWorkloads(
  client: KubernetesClient,
  location: ClusterLocation,
  signal: AbortSignal,
): Promise<WorkloadStatus[]> {
  const [{ workloads, runs }, refusals, pods, ...routes] = await Promise.all([
    listWorkloads(client, location, signal),
    listRefusals(client, location.namespace, signal),
    // Who may not see pods does without their logs and the hint.
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
  return workloads.map((workload) => {
    const memoryHint = hints.get(nameOf(workload));
    const status = workloadStatus(workload, { jobs: runs, pods, refusals });
    return {
      ...reachedFromOutside(status, unreachable.get(nameOf(workload))),
      ...(memoryHint === undefined ? {} : { memoryHint }),
    };
  });
}

/** Pods that nobody reaches are no good, however well they are. */
function reachedFromOutside(status: WorkloadStatus, problem: string | undefined): WorkloadStatus {
  if (problem === undefined || status.state !== "ok") return status;
  return { ...status, state: "failed", health: "Degraded", message: `not reachable from outside: ${problem}` };
}

/** The objects of an environment that make pods. */
interface Workloads {
  /** One of each service, and of each deployed dependency. */
  readonly workloads: KubernetesObject[];
  /** The Jobs that CronJobs have made. */
  readonly runs: KubernetesObject[];
  /** Why there may be Rollouts that are not among them. @default there are none */
  readonly hiddenRollouts?: ApiError | undefined;
}

export async function listWorkloads(
  client: KubernetesClient,
  location: ClusterLocation,
  signal: AbortSignal,
): Promise<Workloads> {
  let hiddenRollouts: ApiError | undefined;
  const list = async (kind: string, group: string, plural: string): Promise<KubernetesObject[]> => {
    const found = await listOwn(client, group, plural, location, signal).catch((error: unknown) => {
      // Some that are no whole clusters have Deployments alone; and most have no Argo Rollouts, of which their users may know nothing.
      if (kind !== "Deployment" && isNotFound(error)) return [];
      if (kind === "Rollout" && isForbidden(error)) {
        hiddenRollouts = error;
        return [];
      }
      throw error;
    });
    // The objects of a list do not say what they are.
    return found.map((object) => ({ ...object, kind }));
  };
  const [deployments, rollouts, statefulSets, cronJobs, jobs] = await Promise.all([
    list("Deployment", "/apis/apps/v1", "deployments"),
    list("Rollout", "/apis/argoproj.io/v1alpha1", "rollouts"),
    list("StatefulSet", "/apis/apps/v1", "statefulsets"),
    list("CronJob", "/apis/batch/v1", "cronjobs"),
    list("Job", "/apis/batch/v1", "jobs"),
  ]);
  const isMade = (job: KubernetesObject): boolean => listAt(job, "metadata", "ownerReferences").length > 0;
  // Jobs of migrations, and those made by hand, have other names.
  const isOfService = (job: KubernetesObject): boolean => labelsAt(job)["app.kubernetes.io/name"] === nameOf(job);
  return {
    workloads: [
      // Of a service that changes from one to the other, what is to stay counts.
      ...deployments.filter((deployment) => !rollouts.some((rollout) => nameOf(rollout) === nameOf(deployment))),
      ...rollouts,
      ...statefulSets,
      ...cronJobs,
      ...jobs.filter((job) => !isMade(job) && isOfService(job)),
    ],
    runs: jobs.filter(isMade),
    hiddenRollouts,
  };
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
