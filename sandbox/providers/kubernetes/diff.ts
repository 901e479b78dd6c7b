import { ApiError } from "../../../kubernetes/errors.ts";
import { isMap, valueAt } from "../../../kubernetes/json.ts";
import {
  annotationOf,
  isCustomResourceDefinition,
  kindOf,
  nameOf,
  namespaceOf,
  stringAt,
  withValue,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { hasUnknown, unknown, type PropertyValue } from "../property.ts";
import type { DiffRequest, DiffResult } from "../resource-provider.ts";
import { isNamespaced, normalize } from "./check.ts";
import { readCheckpoint, toObject } from "./checkpoint.ts";
import { groupOf } from "../../../kubernetes/scope.ts";
import { objectPath, resourceOf } from "./discovery.ts";
import {
  asReplacement,
  differences,
  formatPath,
  isWithin,
  parsePath,
  withoutIgnored,
  type PropertyPath,
} from "./property-diff.ts";
import { reachable, type Mutability, type Session } from "./session.ts";
import { judgeJob } from "./workload-readiness.ts";

/**
 * What an update would change, and whether it can be done in place.
 *
 * It compares the inputs of the last update, as a refresh corrects them, with the new ones, so that defaults of the API server
 * are never a difference. Some fields are known to be immutable; for the others a dry run asks the API server.
 */
export async function diff(session: Session, request: DiffRequest): Promise<DiffResult> {
  const { live, inputs } = readCheckpoint(request.olds);
  // After an update that failed half-way the engine keeps the inputs of the one before; the checkpoint has what was applied.
  const recorded = Object.keys(inputs).length > 0 ? inputs : toObject(request.oldInputs);
  const news = await placed(session, normalize(toObject(request.news)));
  const olds = await placed(session, normalize(recorded));
  const found = withoutIgnored(differences(named(olds, live, news), news), request.ignoreChanges.map(parsePath));
  if (await isToBeReplaced(session, news, live))
    return {
      detailedDiff: { [`metadata.annotations["${replaceUnready}"]`]: "update-replace" },
      deleteBeforeReplace: keepsName(news, live),
    };
  if (found.length === 0) return { detailedDiff: {} };
  const known = forceNewPaths(news, session.settings.mutability);
  const forced = found.some((difference) => touches(difference.path, difference.value, known))
    ? known
    : [...known, ...(await immutablePaths(session, news, live))];
  const detailedDiff = Object.fromEntries(
    found.map(({ path, kind, value }) => [formatPath(path), touches(path, value, forced) ? asReplacement(kind) : kind]),
  );
  const replaces = Object.values(detailedDiff).some((kind) => kind.endsWith("-replace"));
  return { detailedDiff, deleteBeforeReplace: replaces && keepsName(news, live) };
}

const replaceUnready = "pulumi.com/replaceUnready";

/** A Job that is not complete is replaced where it asks for that, whatever else has changed. One that cannot be asked is not. */
async function isToBeReplaced(session: Session, news: KubernetesObject, live: KubernetesObject): Promise<boolean> {
  if (kindOf(news).kind !== "Job" || annotationOf(news, replaceUnready) !== "true") return false;
  const cluster = await reachable(session);
  // As in the official provider, it is the Job of the new name.
  if (cluster === undefined || hasUnknown(news) || !keepsName(news, live)) return false;
  try {
    const path = objectPath(await resourceOf(cluster.discovery, news), news);
    return judgeJob(await cluster.client.request("GET", path)).state !== "ready";
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

/** In the namespace that an unset one stands for; in none where the kind has none. */
async function placed(session: Session, object: KubernetesObject): Promise<KubernetesObject> {
  if (object["metadata"] === unknown) return object;
  const namespace = (await isNamespaced(session, object)) ? namespaceOf(object) || "default" : undefined;
  return withValue(object, ["metadata", "namespace"], namespace);
}

/** A program may set the very name that was generated before. */
function named(olds: KubernetesObject, live: KubernetesObject, news: KubernetesObject): KubernetesObject {
  const metadata = valueAt(news, "metadata", "name") === undefined ? undefined : nameOf(live);
  return metadata ? withValue(olds, ["metadata", "name"], metadata) : olds;
}

/** A replacement with the same fixed name can be created only after the old object is deleted. */
function keepsName(news: KubernetesObject, live: KubernetesObject): boolean {
  return (
    nameOf(news) !== "" &&
    annotationOf(news, "pulumi.com/autonamed") !== "true" &&
    nameOf(news) === nameOf(live) &&
    (namespaceOf(news) || "default") === (namespaceOf(live) || "default")
  );
}

/** The fields that the API server calls immutable when the new inputs are applied to try. */
async function immutablePaths(
  session: Session,
  news: KubernetesObject,
  live: KubernetesObject,
): Promise<PropertyPath[]> {
  if (hasUnknown(news) || isCustomResourceDefinition(news)) return [];
  const cluster = await reachable(session);
  if (cluster === undefined) return [];
  try {
    const resource = await resourceOf(cluster.discovery, news);
    const path = objectPath(resource, withValue(news, ["metadata", "name"], stringAt(live, "metadata", "name")));
    const body = resource.namespaced ? news : withValue(news, ["metadata", "namespace"], undefined);
    const query = { dryRun: "All", force: "true", fieldManager: "pulumi-kubernetes-diff" };
    await cluster.client.request("PATCH", path, { body, query, contentType: "application/apply-patch+yaml" });
    return [];
  } catch (error) {
    // Any other refusal occurs again at the update itself, which reports it.
    if (!(error instanceof ApiError) || error.status !== 422) return [];
    const fields = error.causes
      .filter(({ message }) => /field is immutable|may not be changed in an update/.test(message))
      .map(({ field }) => readable(field));
    return fields.filter((field) => field.length > 0 && !isWithin(["metadata", "name"], field));
  }
}

function readable(field: string): PropertyPath {
  try {
    return parsePath(field);
  } catch {
    return [];
  }
}

const podFields =
  "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork hostPID hostname imagePullSecrets nodeName " +
  "nodeSelector overhead preemptionPolicy priority priorityClassName readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount " +
  "serviceAccountName shareProcessNamespace subdomain terminationGracePeriodSeconds volumes";
const containerFields =
  "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext stdin stdinOnce terminationMessagePath " +
  "terminationMessagePolicy tty volumeDevices volumeMounts workingDir";
const volumeSources =
  "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs hostPath iscsi local nfs photonPersistentDisk " +
  "portworxVolume quobyte rbd scaleIO storageos vsphereVolume";

/** Fields whose change replaces the object, by `group/Kind`: the same that the official provider replaces for. */
const fields: Readonly<Record<string, readonly string[]>> = {
  "apps/DaemonSet": ["spec.selector"],
  "apps/Deployment": ["spec.selector"],
  "apps/StatefulSet": below(
    "spec",
    "podManagementPolicy revisionHistoryLimit selector serviceName volumeClaimTemplates",
  ),
  "batch/Job": below("spec", "completions parallelism selector template"),
  "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
  "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
  "/PersistentVolume": below("spec", volumeSources),
  "/PersistentVolumeClaim": below("spec", "accessModes selector storageClassName volumeName"),
  "/Pod": [
    ...below("spec", podFields),
    ...below("spec.containers[*]", containerFields),
    ...below("spec.initContainers[*]", containerFields),
  ],
  "/ResourceQuota": ["spec.scopes"],
  "/Service": ["spec.clusterIP"],
};

function below(prefix: string, names: string): string[] {
  return names.split(" ").map((name) => `${prefix}.${name}`);
}

/** The paths at or below which a change of this object means replacement. */
export function forceNewPaths(object: KubernetesObject, mutability: Mutability): PropertyPath[] {
  return ["metadata.name", "metadata.namespace", ...ofKind(object, mutability)].map(parsePath);
}

function ofKind(object: KubernetesObject, mutability: Mutability): readonly string[] {
  const { apiVersion, kind } = kindOf(object);
  const key = `${groupOf(apiVersion)}/${kind}`;
  const immutable = object["immutable"] === true;
  if (key === "/Secret") return mutability.secrets && !immutable ? ["type"] : ["type", "stringData", "data"];
  if (key === "/ConfigMap") return mutability.configMaps && !immutable ? [] : ["binaryData", "data"];
  return fields[key] ?? [];
}

/** Whether a change to `value` at `path` touches one of the patterns, at the path itself or within the value. */
export function touches(
  path: PropertyPath,
  value: PropertyValue | undefined,
  patterns: readonly PropertyPath[],
): boolean {
  if (patterns.some((pattern) => isWithin(path, pattern))) return true;
  if (Array.isArray(value)) return value.some((item, index) => touches([...path, index], item, patterns));
  return isMap(value) && Object.entries(value).some(([key, item]) => touches([...path, key], item, patterns));
}
