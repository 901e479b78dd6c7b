import type { types } from "@pulumi/kubernetes";
import { runsToCompletion } from "../service/kind.ts";
import type { Service } from "../service/service.ts";
import { claimName, type Volume } from "../service/volumes.ts";
import { metadata, selectorLabels, type Annotated, type Environment } from "./metadata.ts";

/** The claim of a volume that the pods of a service share. */
export interface VolumeClaim {
  readonly volume: Volume;
  readonly claim: Annotated<types.input.core.v1.PersistentVolumeClaim>;
}

export function volumeClaims(environment: Environment, service: Service): VolumeClaim[] {
  const base = metadata(environment, service.name);
  return volumesOf(service).flatMap(([name, volume]) => {
    if (volume.perPod === true) return [];
    const own = { ...base, name: claimName(service.name, name), annotations: annotationsOf(service, volume) };
    return { volume, claim: { metadata: own, spec: claimSpec(volume) } };
  });
}

/** What Kubernetes makes a claim of for each pod. */
export function volumeClaimTemplates(
  environment: Environment,
  service: Service,
): types.input.core.v1.PersistentVolumeClaim[] {
  return volumesOf(service).flatMap(([name, volume]) =>
    volume.perPod === true
      ? { metadata: { name, labels: selectorLabels(environment, service.name) }, spec: claimSpec(volume) }
      : [],
  );
}

/** Where the container finds its volumes, and what of them the pod must name; a StatefulSet names those of single pods itself. */
export function podVolumes(service: Service): {
  volumes: types.input.core.v1.Volume[];
  volumeMounts: types.input.core.v1.VolumeMount[];
} {
  const all = volumesOf(service);
  return {
    volumes: all.flatMap(([name, { perPod }]) =>
      perPod === true ? [] : { name, persistentVolumeClaim: { claimName: claimName(service.name, name) } },
    ),
    volumeMounts: all.map(([name, { path }]) => ({ name, mountPath: path })),
  };
}

/** Whether data of a service outlives it. */
export function retainsData(service: Service): boolean {
  return volumesOf(service).some(([, volume]) => isRetained(volume));
}

export function isRetained({ whenDeleted = "Retain" }: Volume): boolean {
  return whenDeleted === "Retain";
}

function volumesOf({ volumes = {} }: Service): [name: string, volume: Volume][] {
  return Object.entries(volumes);
}

function claimSpec({
  size,
  storageClass,
  accessMode = "ReadWriteOnce",
}: Volume): types.input.core.v1.PersistentVolumeClaimSpec {
  return {
    accessModes: [accessMode],
    ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
    resources: { requests: { storage: size } },
  };
}

/**
 * What Argo CD is to know of a claim. One that is kept is no longer in Git when its volume is not declared any more: it must
 * neither be pruned nor count as a difference. One that waits for its first pod is not bound, and with a cron that pod may be
 * far off.
 * Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/, …/compare-options/
 */
function annotationsOf(service: Service, volume: Volume): Record<string, string> {
  return {
    ...(isRetained(volume)
      ? {
          "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
          "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        }
      : {}),
    ...(runsToCompletion(service) ? { "argocd.argoproj.io/ignore-healthcheck": "true" } : {}),
  };
}
