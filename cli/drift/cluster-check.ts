import { errorMessage } from "../../core/error.ts";
import { applicationName } from "../../core/names.ts";
import { shortDigest } from "../../git/records.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { isForbidden, isNotFound, type ApiError } from "../../kubernetes/errors.ts";
import { valueAt } from "../../kubernetes/json.ts";
import { listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { applicationStatus, listApplications, listWorkloads, type ClusterLocation } from "../status/cluster-status.ts";
import { listRefusals } from "../status/refused-pods.ts";
import { workloadStatus } from "../status/workload-status.ts";
import { foreignManagerFindings } from "./foreign-managers.ts";
import { checkOf, type Check, type Finding } from "./report.ts";

export interface ClusterCheckArgs extends ClusterLocation {
  readonly delivery: "gitops" | "direct";
  /** What is to run, by service; `undefined`: the deploy repository cannot be asked, or there is none. */
  readonly records: ReadonlyMap<string, ReleaseRecord> | undefined;
  /** The objects that the stack itself declares, as `Kind/name`; `undefined`: its state cannot be asked. */
  readonly declared: ReadonlySet<string> | undefined;
}

/** What the cluster says of the environment. */
export interface ClusterStatus {
  readonly applications: readonly KubernetesObject[];
  /** What makes the pods of services, and the Jobs that CronJobs have made. */
  readonly workloads: readonly KubernetesObject[];
  readonly runs: readonly KubernetesObject[];
  /** The events that say why pods were not made. @default there are none */
  readonly refusals?: readonly KubernetesObject[];
  /** Why Rollouts are not seen. @default they are */
  readonly hiddenRollouts?: ApiError | undefined;
  /** By `Kind/name`. */
  readonly objects: ReadonlyMap<string, KubernetesObject>;
}

/** @throws Error where the cluster cannot be asked, or refuses */
export async function clusterCheck(
  client: KubernetesClient,
  args: ClusterCheckArgs,
  signal: AbortSignal,
): Promise<Check> {
  const [applications, { workloads, runs, hiddenRollouts }, refusals, objects] = await Promise.all([
    args.delivery === "gitops" ? listApplications(client, args, signal) : [],
    listWorkloads(client, args, signal),
    listRefusals(client, args.namespace, signal),
    liveObjects(client, args.namespace, signal),
  ]);
  const status = { applications, workloads, runs, refusals, hiddenRollouts, objects };
  const unseen = [...(args.records?.keys() ?? [])].filter((service) => isHidden(service, status));
  const reasons = [
    ...(args.delivery === "gitops" && args.records === undefined
      ? ["what is to run is not known without the deploy repository"]
      : []),
    ...(args.declared === undefined ? ["which objects are extra is not known without the stack's state"] : []),
    ...(unseen.length === 0
      ? []
      : [`the Rollout of ${unseen.join(", ")} cannot be read (${errorMessage(hiddenRollouts)})`]),
  ];
  const findings = clusterFindings(args, status);
  return checkOf("cluster", findings, reasons.length === 0 ? null : reasons.join("; "));
}

export function clusterFindings(args: ClusterCheckArgs, status: ClusterStatus): Finding[] {
  const { records, declared } = args;
  const services = [...(records ?? [])];
  return [
    ...(args.delivery === "gitops" ? services.flatMap(([service]) => missingApplication(args, service, status)) : []),
    ...status.applications.flatMap(applicationFindings),
    ...services.flatMap(([service, record]) => imageFindings(service, record, status)),
    ...status.workloads.flatMap((workload) => healthFindings(workload, status, records)),
    ...objectFindings(declared, status),
  ];
}

function missingApplication({ app, environment }: ClusterCheckArgs, service: string, status: ClusterStatus): Finding[] {
  const name = applicationName(app, environment, service);
  return status.applications.some((application) => nameOf(application) === name)
    ? []
    : [{ what: `Application ${name}`, change: "is not there" }];
}

function applicationFindings(application: KubernetesObject): Finding[] {
  const what = `Application ${nameOf(application)}`;
  const { sync, health, message } = applicationStatus(application, "");
  const reason = message === null ? "" : `: ${message}`;
  const changed = listAt(application, "status", "resources")
    .filter((resource) => stringAt(resource, "status") === "OutOfSync")
    .map((resource) => ({
      what: `${stringAt(resource, "kind") ?? ""} ${stringAt(resource, "name") ?? ""}`,
      change: resource["requiresPruning"] === true ? "is not in Git any more" : "is other than in Git, says Argo CD",
    }));
  return [
    ...(sync === "Synced" ? [] : [{ what, change: `is ${sync}${changed.length === 0 ? reason : ""}` }]),
    ...changed,
    ...(health === "Healthy" ? [] : [{ what, change: `is ${health}${reason}` }]),
    ...(valueAt(application, "spec", "syncPolicy", "automated", "selfHeal") === true
      ? []
      : [{ what, change: "does not heal itself: automated sync or its selfHeal is off" }]),
  ];
}

function imageFindings(service: string, { image }: ReleaseRecord, status: ClusterStatus): Finding[] {
  if (image === undefined) return [];
  const workload = status.workloads.find((one) => nameOf(one) === service);
  if (workload === undefined && isHidden(service, status)) return [];
  if (workload === undefined) return [{ what: `${expectedKind(service, status)} ${service}`, change: "is not there" }];
  const running = workloadStatus(workload).image;
  if (running === `${image.repository}@${image.digest}`) return [];
  return [{ what: whatOf(workload), change: `runs ${running}, and ${shortDigest(image.digest)} is released` }];
}

/** Whether a service may have a Rollout that is not seen. */
function isHidden(service: string, status: ClusterStatus): boolean {
  return status.hiddenRollouts !== undefined && expectedKind(service, status) === "Rollout";
}

/** A service without pods is no finding before its first release. */
function healthFindings(
  workload: KubernetesObject,
  { runs, refusals = [] }: ClusterStatus,
  records: ClusterCheckArgs["records"],
): Finding[] {
  const { service, health, message } = workloadStatus(workload, { jobs: runs, refusals });
  const released = records?.get(service)?.image !== undefined || records?.has(service) !== true;
  if (health === "Healthy" || (health === "Suspended" && !released)) return [];
  return [{ what: whatOf(workload), change: `is ${health}: ${message ?? ""}` }];
}

const workloadKinds = ["Rollout", "StatefulSet", "CronJob", "Job"];

function whatOf(workload: KubernetesObject): string {
  return `${stringAt(workload, "kind") ?? "Deployment"} ${nameOf(workload)}`;
}

/** What Argo CD is to have made of a service. */
function expectedKind(service: string, { applications }: ClusterStatus): string {
  const resources = applications.flatMap((application) => listAt(application, "status", "resources"));
  const found = resources.find(
    (resource) => stringAt(resource, "name") === service && workloadKinds.includes(stringAt(resource, "kind") ?? ""),
  );
  return (found && stringAt(found, "kind")) ?? "Deployment";
}

/** Of objects that are declared, what others have set in them; the others, as far as it is known which they are, are extra. */
function objectFindings(
  declared: ReadonlySet<string> | undefined,
  { applications, objects }: ClusterStatus,
): Finding[] {
  const tracked = applications.flatMap((application) =>
    listAt(application, "status", "resources").map(
      (resource) => `${stringAt(resource, "kind") ?? ""}/${stringAt(resource, "name") ?? ""}`,
    ),
  );
  const known = new Set([...(declared ?? []), ...tracked]);
  const ofPods = [...objects.keys()].filter((id) => known.has(id)).flatMap((id) => podClaimsOf(id, objects.get(id)));
  return [...objects].flatMap(([id, object]) => {
    if (ofPods.some((claims) => claims.test(id))) return [];
    const what = id.replace("/", " ");
    if (known.has(id)) return foreignManagerFindings(what, object);
    return declared === undefined ? [] : [{ what, change: "is extra: neither Git nor the stack declares it" }];
  });
}

/** The claims that a StatefulSet has made for its pods, which belong to nobody so that their data stays. */
function podClaimsOf(id: string, object: KubernetesObject | undefined): RegExp[] {
  if (object === undefined || !id.startsWith("StatefulSet/")) return [];
  return listAt(object, "spec", "volumeClaimTemplates").map(
    (template) => new RegExp(`^PersistentVolumeClaim/${nameOf(template)}-${nameOf(object)}-\\d+$`),
  );
}

/** The kinds that people put into a namespace by hand, and the paths of their lists. Lists of Secrets have their values, so they are left out. */
const lists: readonly (readonly [kind: string, path: (namespace: string) => string])[] = [
  ["ServiceAccount", core("serviceaccounts")],
  ["ConfigMap", core("configmaps")],
  ["PersistentVolumeClaim", core("persistentvolumeclaims")],
  ["Service", core("services")],
  ["Pod", core("pods")],
  ["Deployment", grouped("apps/v1", "deployments")],
  ["Rollout", grouped("argoproj.io/v1alpha1", "rollouts")],
  ["AnalysisTemplate", grouped("argoproj.io/v1alpha1", "analysistemplates")],
  ["StatefulSet", grouped("apps/v1", "statefulsets")],
  ["DaemonSet", grouped("apps/v1", "daemonsets")],
  ["Job", grouped("batch/v1", "jobs")],
  ["CronJob", grouped("batch/v1", "cronjobs")],
  ["NetworkPolicy", grouped("networking.k8s.io/v1", "networkpolicies")],
  ["Ingress", grouped("networking.k8s.io/v1", "ingresses")],
  ["HTTPRoute", grouped("gateway.networking.k8s.io/v1", "httproutes")],
  ["GRPCRoute", grouped("gateway.networking.k8s.io/v1", "grpcroutes")],
  ["PodDisruptionBudget", grouped("policy/v1", "poddisruptionbudgets")],
  ["HorizontalPodAutoscaler", grouped("autoscaling/v2", "horizontalpodautoscalers")],
];

/** Most clusters have none of these, and users who may not see them. */
const ofRollouts = new Set(["Rollout", "AnalysisTemplate"]);

/** What a cluster's own controllers put into every namespace, without an owner that would show it. */
const builtIn = new Set([
  // Kubernetes
  "ServiceAccount/default",
  "ConfigMap/kube-root-ca.crt",
  // Istio
  "ConfigMap/istio-ca-root-cert",
  "ConfigMap/istio-ca-crl",
  // OpenShift
  "ServiceAccount/builder",
  "ServiceAccount/deployer",
  "ConfigMap/openshift-service-ca.crt",
  // OpenShift Pipelines
  "ServiceAccount/pipeline",
  "ConfigMap/config-service-cabundle",
  "ConfigMap/config-trusted-cabundle",
]);

/** The objects in a namespace that no other object owns, by `Kind/name`. */
export async function liveObjects(
  client: KubernetesClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Map<string, KubernetesObject>> {
  const found = await Promise.all(
    lists.map(async ([kind, path]) => {
      const list = await client.request("GET", path(namespace), { signal }).catch((error: unknown) => {
        if (isNotFound(error) || (ofRollouts.has(kind) && isForbidden(error))) return {};
        throw error;
      });
      return listAt(list, "items")
        .filter((object) => listAt(object, "metadata", "ownerReferences").length === 0)
        .map((object): [string, KubernetesObject] => [`${kind}/${nameOf(object)}`, object]);
    }),
  );
  return new Map(found.flat().filter(([id]) => !builtIn.has(id)));
}

function core(plural: string): (namespace: string) => string {
  return (namespace) => `/api/v1/namespaces/${namespace}/${plural}`;
}

function grouped(group: string, plural: string): (namespace: string) => string {
  return (namespace) => `/apis/${group}/namespaces/${namespace}/${plural}`;
}
