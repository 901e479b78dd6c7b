import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { Service as KubernetesService } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import * as pulumi from "@pulumi/pulumi";
import { rolloutTimeouts } from "./cluster.ts";
import type { DeployedDependencySettings } from "../service/dependency-settings.ts";
import { dependencyManifests } from "../manifests/dependency.ts";
import { generationAnnotation, metadata, type Environment } from "../manifests/metadata.ts";

/** Many storage classes bind a claim only when a pod uses it: waiting for that would never end. */
export const unawaitedClaim = { "pulumi.com/skipAwait": "true" };

export interface DependencyArgs {
  environment: Environment;
  settings: DeployedDependencySettings;
  /** The services that use it. */
  users: readonly string[];
  /** Rises whenever its Secret changes. @default it has none */
  secretsGeneration?: pulumi.Output<string> | undefined;
  /** Whether its objects stay on the cluster when they are no longer declared, for another writer to adopt. */
  handOver: boolean;
}

/** A database or cache that runs on the cluster as a plain Deployment. */
export class Dependency extends pulumi.ComponentResource {
  constructor(name: string, args: DependencyArgs, opts: pulumi.ComponentResourceOptions) {
    super("delivery:cluster:Dependency", name, { image: args.settings.image }, opts);
    const own = { parent: this, retainOnDelete: args.handOver };
    // Nothing at all where nothing has changed: an empty map would be a change.
    const annotations = args.secretsGeneration?.apply((text) =>
      text === undefined ? undefined : { [generationAnnotation]: text },
    ) as pulumi.Output<Record<string, string>> | undefined;
    const manifests = dependencyManifests(args.environment, name, args.settings, args.users, annotations);
    const needed: pulumi.Resource[] = [new NetworkPolicy(name, manifests.networkPolicy, own)];
    if (manifests.persistentVolumeClaim !== undefined) {
      const labelled = { ...metadata(args.environment, name), annotations: unawaitedClaim };
      needed.push(new PersistentVolumeClaim(name, { ...manifests.persistentVolumeClaim, metadata: labelled }, own));
    }
    const deployment = new Deployment(name, manifests.deployment, {
      ...own,
      dependsOn: needed,
      customTimeouts: rolloutTimeouts(),
    });
    new KubernetesService(name, manifests.service, {
      ...own,
      dependsOn: deployment,
      customTimeouts: rolloutTimeouts(),
    });
    this.registerOutputs();
  }
}
