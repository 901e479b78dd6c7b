import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/horizontalPodAutoscaler.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import type { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service as KubernetesService } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { Ingress } from "@pulumi/kubernetes/networking/v1/ingress.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import * as pulumi from "@pulumi/pulumi";
import { rolloutTimeouts } from "./cluster.ts";
import { serviceManifests, type ManifestContext } from "./manifests.ts";
import type { Service } from "./service.ts";

export interface WorkloadArgs {
  service: Service;
  context: ManifestContext;
  /** The image by digest. */
  image: pulumi.Input<string>;
  /** The Secret with its environment variables. @default it has none */
  secret?: Secret | undefined;
  /** Whether its objects stay on the cluster when they are no longer declared, for another writer to adopt. */
  handOver: boolean;
}

/** The Kubernetes objects of one service, applied by this program (delivery `direct`). */
export class Workload extends pulumi.ComponentResource {
  constructor(name: string, args: WorkloadArgs, opts: pulumi.ComponentResourceOptions) {
    super("delivery:cluster:Workload", name, { image: args.image }, opts);
    const own = { parent: this, retainOnDelete: args.handOver };
    const manifests = serviceManifests(args.context, args.service, {
      image: args.image,
      ...(args.secret === undefined ? {} : { secretsVersion: args.secret.metadata.resourceVersion }),
    });
    const account = new ServiceAccount(name, manifests.serviceAccount, own);
    const configMap = new ConfigMap(name, manifests.configMap, own);
    const networkPolicy = new NetworkPolicy(name, manifests.networkPolicy, own);
    const deployment = new Deployment(name, manifests.deployment, {
      ...own,
      dependsOn: [account, configMap, networkPolicy],
      customTimeouts: rolloutTimeouts,
    });
    // A Service is ready when it has endpoints, which the Deployment brings.
    const service =
      manifests.service &&
      new KubernetesService(name, manifests.service, {
        ...own,
        dependsOn: deployment,
        customTimeouts: rolloutTimeouts,
      });
    new PodDisruptionBudget(name, manifests.podDisruptionBudget, own);
    if (manifests.horizontalPodAutoscaler !== undefined) {
      new HorizontalPodAutoscaler(name, manifests.horizontalPodAutoscaler, { ...own, dependsOn: deployment });
    }
    if (manifests.ingress !== undefined) new Ingress(name, manifests.ingress, { ...own, dependsOn: service ?? [] });
    this.registerOutputs();
  }
}
