import { writeYaml } from "../../core/yaml.ts";
import { kindOf, nameOf, type KubernetesObject } from "../../kubernetes/object.ts";
import { groupOf } from "../../kubernetes/scope.ts";
import { previousImagesFile } from "../../git/allowed-images.ts";
import { currentImageKey } from "./allowed-images.ts";
import { rolloutsApi } from "./rollout.ts";
import type { DependencyManifests } from "./dependency.ts";
import type { MigrationManifests, ServiceManifests } from "./manifests.ts";

/** What the SDK adds to a manifest, and files must say themselves: API version, kind, and the name of the file. */
export const manifestKinds = {
  serviceAccount: ["v1", "ServiceAccount", "service-account.yaml"],
  configMap: ["v1", "ConfigMap", "config-map.yaml"],
  files: ["v1", "ConfigMap", "files.yaml"],
  allowedImages: ["v1", "ConfigMap", "allowed-images.yaml"],
  persistentVolumeClaim: ["v1", "PersistentVolumeClaim", "persistent-volume-claim.yaml"],
  persistentVolumeClaims: ["v1", "PersistentVolumeClaim", "persistent-volume-claim.yaml"],
  deployment: ["apps/v1", "Deployment", "deployment.yaml"],
  rollout: [rolloutsApi, "Rollout", "rollout.yaml"],
  analysisTemplate: [rolloutsApi, "AnalysisTemplate", "analysis-template.yaml"],
  prePromotionAnalysis: [rolloutsApi, "AnalysisTemplate", "pre-promotion-analysis.yaml"],
  postPromotionAnalysis: [rolloutsApi, "AnalysisTemplate", "post-promotion-analysis.yaml"],
  statefulSet: ["apps/v1", "StatefulSet", "stateful-set.yaml"],
  cronJob: ["batch/v1", "CronJob", "cron-job.yaml"],
  job: ["batch/v1", "Job", "job.yaml"],
  headlessService: ["v1", "Service", "headless-service.yaml"],
  service: ["v1", "Service", "service.yaml"],
  canaryService: ["v1", "Service", "canary-service.yaml"],
  previewService: ["v1", "Service", "preview-service.yaml"],
  networkPolicy: ["networking.k8s.io/v1", "NetworkPolicy", "network-policy.yaml"],
  podDisruptionBudget: ["policy/v1", "PodDisruptionBudget", "pod-disruption-budget.yaml"],
  horizontalPodAutoscaler: ["autoscaling/v2", "HorizontalPodAutoscaler", "horizontal-pod-autoscaler.yaml"],
  ingress: ["networking.k8s.io/v1", "Ingress", "ingress.yaml"],
  httpRoute: ["gateway.networking.k8s.io/v1", "HTTPRoute", "http-route.yaml"],
  grpcRoute: ["gateway.networking.k8s.io/v1", "GRPCRoute", "grpc-route.yaml"],
} as const satisfies Record<
  keyof ServiceManifests | keyof DependencyManifests | keyof MigrationManifests,
  readonly [string, string, string]
>;

/** The kinds that an environment's Applications may create, by API group; those of Argo Rollouts where a service needs them. */
export const deployedKinds = [
  ...new Map(
    Object.values(manifestKinds)
      .filter(([apiVersion]) => apiVersion !== rolloutsApi)
      .map(([apiVersion, kind]) => {
        const group = apiVersion.includes("/") ? apiVersion.replace(/\/.*/, "") : "";
        return [`${group}/${kind}`, { group, kind }];
      }),
  ).values(),
];

/** The base manifests of one service as files, with the kustomization that joins them with the release record. */
export function serviceFiles(
  manifests: ServiceManifests,
  own: readonly KubernetesObject[] = [],
): Record<string, string> {
  const large = manifests.job === undefined ? (object: object): object => object : appliedByServer;
  return withKustomization(
    { ...files(manifests, (key, manifest) => large(prunedLast(key, manifest))), ...ownFiles(own, large) },
    ["release"],
    releasedImages(manifests),
  );
}

/** What has kustomize allow the image of the release record, however it got there, and those that ran before. */
function releasedImages({ allowedImages, ...manifests }: ServiceManifests): object {
  const container = ({ name }: { name: string }): string => `spec.template.spec.containers.[name=${name}].image`;
  const source = (["deployment", "rollout", "statefulSet", "cronJob", "job"] as const).flatMap((key) => {
    const { metadata } = (manifests[key] ?? {}) as { metadata?: { name: string } };
    if (metadata === undefined) return [];
    const fieldPath = `${key === "cronJob" ? "spec.jobTemplate." : ""}${container(metadata)}`;
    return [{ kind: manifestKinds[key][1], name: metadata.name, fieldPath }];
  })[0];
  if (allowedImages === undefined || source === undefined) return {};
  const { name } = allowedImages.metadata;
  const targets = [{ select: { kind: "ConfigMap", name }, fieldPaths: [`data.${currentImageKey}`] }];
  const target = { kind: "ConfigMap", name: name.replaceAll(".", "\\.") };
  return { patches: [{ path: previousImagesFile, target }], replacements: [{ source, targets }] };
}

/** What a service brings along, in a folder of its own. */
function ownFiles(own: readonly KubernetesObject[], changed: (object: object) => object): Record<string, string> {
  return Object.fromEntries(
    own.map((object) => {
      const { apiVersion, kind } = kindOf(object);
      const parts = [groupOf(apiVersion), kind, nameOf(object)].filter(Boolean).join("-");
      return [`own/${parts.toLowerCase().replaceAll(":", "_")}.yaml`, writeYaml(changed(object))];
    }),
  );
}

/**
 * The files of a service's migrations, by path from the service's directory. Argo CD applies the directory as it is; only the
 * template for Jobs lies deeper.
 */
export function migrationFiles({ job, networkPolicy }: MigrationManifests): Record<string, string> {
  return { ...below("migration", files({ networkPolicy })), ...below("migration/template", files({ job })) };
}

function below(directory: string, content: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(content).map(([file, text]) => [`${directory}/${file}`, text]));
}

/** The manifests of a database or cache as files; nothing of it is released. */
export function dependencyFiles(manifests: DependencyManifests): Record<string, string> {
  return withKustomization(files(manifests), []);
}

/**
 * What makes pods stays until those of what takes its place are there: a Deployment becomes a Rollout, or the other way round.
 * Argo CD goes by what the object itself says, which therefore says it all the time.
 * Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#prune-last
 */
function prunedLast(key: keyof typeof manifestKinds, manifest: object): object {
  if (key !== "deployment" && key !== "rollout") return manifest;
  const { metadata = {} } = manifest as Annotatable;
  return {
    ...manifest,
    metadata: { ...metadata, annotations: { [syncOptions]: "PruneLast=true", ...metadata.annotations } },
  };
}

const syncOptions = "argocd.argoproj.io/sync-options";

/** As `metadata` makes it, and patches may have added to it. */
interface Annotatable {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}

/** In bytes. The API server takes 256 KiB of annotations; some are Argo CD's own. */
const longestNote = 250_000;

/**
 * A job's Application applies client-side, which notes the whole object in an annotation of it: of one with large files there is no room
 * for that, and every sync would fail.
 * Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#server-side-apply
 */
function appliedByServer(object: object): object {
  // As kubectl writes JSON, for a page of HTML as well.
  const noted = JSON.stringify(object).replaceAll(/[<>&\u2028\u2029]/g, String.raw`\u0000`);
  if (Buffer.byteLength(noted) <= longestNote) return object;
  const { metadata = {} } = object as Annotatable;
  const options = [metadata.annotations?.[syncOptions], "ServerSideApply=true"].filter(Boolean).join(",");
  return { ...object, metadata: { ...metadata, annotations: { ...metadata.annotations, [syncOptions]: options } } };
}

function files(
  manifests: Partial<Record<keyof typeof manifestKinds, object | readonly NamedManifest[]>>,
  changed: (key: keyof typeof manifestKinds, manifest: object) => object = (_key, manifest) => manifest,
): Record<string, string> {
  return Object.fromEntries(
    (Object.keys(manifestKinds) as (keyof typeof manifestKinds)[]).flatMap((key) => {
      const manifest = manifests[key];
      if (manifest === undefined) return [];
      const [apiVersion, kind, file] = manifestKinds[key];
      const named: [file: string, manifest: object][] = isList(manifest)
        ? manifest.map((one) => [file.replace(".", `-${one.metadata.name}.`), one])
        : [[file, manifest]];
      return named.map(([name, one]) => [name, writeYaml({ apiVersion, kind, ...changed(key, one) })]);
    }),
  );
}

/** Of one of several objects of a kind. */
interface NamedManifest {
  readonly metadata: { readonly name: string };
}

function isList(manifest: object | readonly NamedManifest[]): manifest is readonly NamedManifest[] {
  return Array.isArray(manifest);
}

function withKustomization(
  resources: Record<string, string>,
  components: string[],
  more: object = {},
): Record<string, string> {
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources: Object.keys(resources),
    ...(components.length === 0 ? {} : { components }),
    ...more,
  };
  return { "kustomization.yaml": writeYaml(kustomization), ...resources };
}
