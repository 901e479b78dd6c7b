import { isMap } from "../../../kubernetes/json.ts";
import { kindOf, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { PropertyValue } from "../property.ts";
import { isWithin, parsePath, type PropertyPath } from "./property-path.ts";
import { groupOf } from "./type-token.ts";

export interface Mutability {
  /** `enableConfigMapMutable` of the provider. */
  configMaps: boolean;
  /** `enableSecretMutable` of the provider. */
  secrets: boolean;
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
