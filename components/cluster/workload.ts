import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { StatefulSet } from "@pulumi/kubernetes/apps/v1/statefulSet.js";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler.js";
import { CronJob } from "@pulumi/kubernetes/batch/v1/cronJob.js";
import { Job } from "@pulumi/kubernetes/batch/v1/job.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Service as KubernetesService } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Ingress } from "@pulumi/kubernetes/networking/v1/ingress.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import * as pulumi from "@pulumi/pulumi";
import { allowedImagesName, filesName } from "../../core/names.ts";
import type { Admission } from "./admission.ts";
import { markedAsAutoscaled } from "./autoscaler-removal.ts";
import { graceSeconds } from "../service/container.ts";
import { withoutTraces } from "../bulk-declaration.ts";
import { rolloutTimeouts } from "./cluster.ts";
import type { ServiceManifests } from "../manifests/manifests.ts";
import type { ManifestContext } from "../manifests/manifest-context.ts";
import type { WorkloadManifests } from "../manifests/workload.ts";
import { ownObjects } from "../service/own-objects.ts";
import { startSeconds } from "../service/probes.ts";
import { runSeconds } from "../service/kind.ts";
import { isRetained } from "../manifests/volumes.ts";
import { unawaitedClaim } from "./dependency.ts";
import { applyMigration } from "./migration-job.ts";
import { retryAnnotations, type RetriedRuns } from "./run-retries.ts";
import { serviceObjects, type ServiceObjects } from "../manifests/service-objects.ts";
import type { Service } from "../service/service.ts";
import { claimName, headlessName } from "../service/volumes.ts";

export interface WorkloadArgs {
  service: Service;
  context: ManifestContext;
  /** The image by digest. */
  image: pulumi.Input<string>;
  /** Rises whenever the Secret with its environment variables changes. @default it has none */
  secretsGeneration?: pulumi.Output<string> | undefined;
  /** Whether its objects stay on the cluster when they are no longer declared, for another writer to adopt. */
  handOver: boolean;
  /** What its objects need to be there: their namespace, and their image where this program builds it. */
  home: readonly pulumi.Resource[];
  /** What must run before its pods start: its databases and caches, and the services that it calls. */
  startAfter: readonly pulumi.Resource[];
  /** The Jobs that are tried again. @default none */
  retried?: RetriedRuns;
  /** Takes its autoscaler away before its replicas are set, if there was one. */
  autoscalerRemoval: pulumi.ResourceHook;
  /** Holds its pods to its images. @default the cluster takes all */
  admission?: Admission | undefined;
  /** What the engine calls around the writing of a route. @default there is no Gateway */
  routeHooks?: pulumi.ResourceHookBinding | undefined;
}

/** What the objects of all services belong to: with one component for each service, a large stack has a sixth more resources. */
export class Workloads extends pulumi.ComponentResource {
  constructor(name: string, opts: pulumi.ComponentResourceOptions) {
    // A part of the URN of every object of a service, as it stands in the states of stacks: it cannot be renamed to a plural.
    super("delivery:cluster:Workload", name, {}, opts);
    this.registerOutputs();
  }
}

/**
 * Applies the Kubernetes objects of one service by this program (delivery `direct`).
 * @returns what is there once the service can be reached, or runs where nobody reaches it
 */
export function applyWorkload(name: string, args: WorkloadArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const objects = serviceObjects(args.context, args.service, {
    image: args.image,
    secretsGeneration: args.secretsGeneration,
  });
  return withoutTraces(() => apply(name, objects, args, opts));
}

function apply(
  name: string,
  { manifests, own: brought }: ServiceObjects,
  args: WorkloadArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { service, home, startAfter, handOver, autoscalerRemoval, routeHooks, retried = new Set() } = args;
  const own = { ...opts, retainOnDelete: handOver };
  const atHome = { ...own, dependsOn: [...home] };
  const timeouts = rolloutTimeouts({
    start: startSeconds(service.probes),
    end: graceSeconds(service),
    // A StatefulSet updates pod by pod.
    ...(manifests.statefulSet === undefined ? {} : { inTurn: service.replicas ?? 1 }),
  });
  const account = new ServiceAccount(name, manifests.serviceAccount, atHome);
  const configMap = new ConfigMap(name, manifests.configMap, atHome);
  const files = manifests.files && new ConfigMap(filesName(name), manifests.files, atHome);
  const networkPolicy = new NetworkPolicy(name, manifests.networkPolicy, atHome);
  const images =
    manifests.allowedImages &&
    new ConfigMap(allowedImagesName(name), withPrevious(manifests.allowedImages, name, args.admission), atHome);
  const bindings = images === undefined ? [] : (args.admission?.bindService(service, [images]) ?? []);
  const claims = applyClaims(service, manifests, atHome);
  const headless =
    manifests.headlessService && new KubernetesService(headlessName(name), manifests.headlessService, atHome);
  const needed = ownObjects(name, brought, atHome);
  const before = [
    ...home,
    account,
    configMap,
    networkPolicy,
    ...claims,
    ...[files, images, headless].filter((part) => part !== undefined),
    ...bindings,
    ...needed,
    ...startAfter,
  ];
  const migrated = applyMigration(name, { ...args, retried }, before, own);
  const workload = applyPods(name, service, withRetry(name, manifests, retried), autoscalerRemoval, {
    ...own,
    dependsOn: [...before, ...migrated],
    customTimeouts: timeouts,
  });
  const afterWorkload = { ...own, dependsOn: workload };
  // A Service is ready when it has endpoints, which the pods bring.
  const address =
    manifests.service && new KubernetesService(name, manifests.service, { ...afterWorkload, customTimeouts: timeouts });
  if (manifests.podDisruptionBudget !== undefined) new PodDisruptionBudget(name, manifests.podDisruptionBudget, atHome);
  if (manifests.horizontalPodAutoscaler !== undefined)
    new HorizontalPodAutoscaler(name, manifests.horizontalPodAutoscaler, afterWorkload);
  if (manifests.ingress !== undefined) new Ingress(name, manifests.ingress, { ...own, dependsOn: address ?? [] });
  const { httpRoute, grpcRoute } = manifests;
  const route = httpRoute === undefined ? { kind: "GRPCRoute", ...grpcRoute } : { kind: "HTTPRoute", ...httpRoute };
  if (route.metadata !== undefined)
    new CustomResource(
      name,
      { apiVersion: "gateway.networking.k8s.io/v1", ...route },
      { ...own, dependsOn: address ?? [], ...(routeHooks === undefined ? {} : { hooks: routeHooks }) },
    );
  return address ?? workload;
}

/** What makes the pods of a service. */
function applyPods(
  name: string,
  service: Service,
  { deployment, statefulSet, cronJob, job, horizontalPodAutoscaler }: ServiceManifests,
  autoscalerRemoval: pulumi.ResourceHook,
  waiting: pulumi.CustomResourceOptions,
): pulumi.Resource {
  // Earlier versions of this program had another mark of changed secrets there, and without it the pods would start anew.
  const kept = [`spec.template.metadata.annotations["delivery/secrets-version"]`];
  if (statefulSet !== undefined) return new StatefulSet(name, statefulSet, waiting);
  if (cronJob !== undefined) return new CronJob(name, cronJob, waiting);
  if (job !== undefined) return applyJob(name, job, runSeconds(service), waiting);
  if (deployment === undefined) throw new Error(`no workload of ${name}`);
  // The replicas of one that is autoscaled count until the autoscaler changes them; what it then makes of them stays.
  return horizontalPodAutoscaler === undefined
    ? new Deployment(name, deployment, {
        ...waiting,
        ignoreChanges: kept,
        hooks: { beforeUpdate: [autoscalerRemoval] },
      })
    : new Deployment(name, markedAsAutoscaled(deployment), { ...waiting, ignoreChanges: [...kept, "spec.replicas"] });
}

/** @param admission knows what ran of a service before, unless the release records say it */
function withPrevious(
  images: NonNullable<ServiceManifests["allowedImages"]>,
  name: string,
  admission: Admission | undefined,
): pulumi.Inputs {
  const previous = admission?.previousImages(name);
  if (previous === undefined) return images;
  return { ...images, data: pulumi.all([previous, images.data]).apply(([before, now]) => ({ ...before, ...now })) };
}

function withRetry(name: string, manifests: ServiceManifests, retried: RetriedRuns): ServiceManifests {
  const { job } = manifests;
  if (job === undefined) return manifests;
  const annotations = { ...job.metadata.annotations, ...retryAnnotations(retried, name) };
  return { ...manifests, job: { ...job, metadata: { ...job.metadata, annotations } } };
}

/** A Job whose template changes is replaced, and so runs again; one that has failed is tried again by the next update. */
function applyJob(
  name: string,
  job: NonNullable<WorkloadManifests["job"]>,
  seconds: number,
  waiting: pulumi.CustomResourceOptions,
): Job {
  const customTimeouts = { create: `${seconds}s`, update: `${seconds}s` };
  return new Job(name, job, { ...waiting, deleteBeforeReplace: true, customTimeouts });
}

/** Their data stays when they are no longer declared, unless the volume says otherwise. */
function applyClaims(
  { name, volumes = {} }: Service,
  { persistentVolumeClaims = [] }: ServiceManifests,
  opts: pulumi.CustomResourceOptions,
): PersistentVolumeClaim[] {
  return persistentVolumeClaims.map((claim) => {
    const metadata = { ...claim.metadata, annotations: { ...claim.metadata.annotations, ...unawaitedClaim } };
    const volume = Object.entries(volumes).find(([key]) => claimName(name, key) === metadata.name)?.[1];
    const retainOnDelete = opts.retainOnDelete === true || volume === undefined || isRetained(volume);
    return new PersistentVolumeClaim(metadata.name, { ...claim, metadata }, { ...opts, retainOnDelete });
  });
}
