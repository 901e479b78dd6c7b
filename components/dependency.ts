import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/persistentVolumeClaim.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service as KubernetesService } from "@pulumi/kubernetes/core/v1/service.js";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import * as pulumi from "@pulumi/pulumi";
import type { DeployedDependencySettings } from "../stacks/schema.ts";
import { dependencyManifests } from "./manifests/dependency.ts";
import { metadata, type Environment } from "./manifests/metadata.ts";
import { secretName } from "./names.ts";
import { secretValues, type Secrets } from "./secrets.ts";

export interface DependencyArgs {
  environment: Environment;
  settings: DeployedDependencySettings;
  /** The services that use it. */
  users: readonly string[];
  /** The stack's secrets, by name. */
  secrets: Secrets;
}

/** A database or cache that runs on the cluster as a plain Deployment. */
export class Dependency extends pulumi.ComponentResource {
  constructor(name: string, args: DependencyArgs, opts: pulumi.ComponentResourceOptions) {
    super("delivery:cluster:Dependency", name, { image: args.settings.image }, opts);
    const own = { parent: this };
    const manifests = dependencyManifests(args.environment, name, args.settings, args.users);
    const needed: pulumi.Resource[] = [new NetworkPolicy(name, manifests.networkPolicy, own)];
    if (manifests.persistentVolumeClaim !== undefined) {
      // Many storage classes bind a claim only when a pod uses it.
      const annotations = { "pulumi.com/skipAwait": "true" };
      const claim = manifests.persistentVolumeClaim;
      needed.push(new PersistentVolumeClaim(name, { ...claim, metadata: { ...claim.metadata, annotations } }, own));
    }
    if (Object.keys(args.settings.secrets).length > 0) {
      const stringData = secretValues(args.secrets, args.settings.secrets);
      needed.push(new Secret(name, { metadata: { ...metadata(args.environment, name), name: secretName(name) }, stringData }, own));
    }
    const deployment = new Deployment(name, manifests.deployment, { ...own, dependsOn: needed, customTimeouts: { create: "5m", update: "5m" } });
    new KubernetesService(name, manifests.service, { ...own, dependsOn: deployment });
    this.registerOutputs();
  }
}
