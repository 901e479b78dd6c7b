import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { pullSecretName } from "../../core/names.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { commonLabels, namespaceManifest } from "../manifests/metadata.ts";
import type { PodSecurity } from "../manifests/pod-security.ts";
import { pullSecretData, type Registry } from "../secrets.ts";

export interface ClusterArgs {
  app: string;
  environment: string;
  /** What people call it, where it is not the environment's own. @default it is */
  further?: string | undefined;
  namespace: string;
  /** What the namespace asks of all pods. @default restricted */
  podSecurity?: PodSecurity;
  /** The content of a kubeconfig. @default the machine's own */
  kubeconfig?: pulumi.Output<string> | undefined;
  /** The context in the kubeconfig. @default its current one */
  context?: string | undefined;
  /** Whether objects of the same name that are there already are taken over. */
  adoptExisting: boolean;
  /** What pods pull with. @default nodes pull as themselves */
  registry?: Registry | undefined;
  /** Whether the namespace stays when it is no longer declared, since claims with data do. @default false */
  keepsData?: boolean;
  /** The namespaces, as a regular expression, into which kubernetes-replicator copies the pull secret. @default none */
  pullSecretCopies?: string | undefined;
}

/** Where an environment runs on the cluster: its namespace, and the Secret with which its pods pull images. */
export class Cluster extends pulumi.ComponentResource {
  readonly provider: Provider;
  readonly namespace: string;
  /** For what must come after the namespace. */
  readonly namespaceResource: Namespace;
  /** What pods need of it: its own parts, without what else belongs to it, which would be hundreds of Secrets. */
  readonly home: readonly pulumi.Resource[];
  readonly access: ClusterAccess;

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("delivery:cluster:Cluster", name, { namespace: args.namespace, environment: args.environment }, opts);
    const further = args.further === undefined ? [] : [args.further];
    this.namespace = args.namespace;
    this.access = { kubeconfig: args.kubeconfig, context: args.context };
    this.provider = new Provider(
      name,
      {
        // Without a value the SDK would put $KUBECONFIG, a path on this machine, into the state; the empty one leaves it to the plugin.
        kubeconfig: args.kubeconfig ?? "",
        ...(args.context === undefined ? {} : { context: args.context }),
        upsertExistingObjects: args.adoptExisting,
        // What this stack declares it alone writes: an edit by hand is undone, it is no conflict.
        enablePatchForce: true,
        // A replacement would take them away from running pods for a moment.
        enableConfigMapMutable: true,
        enableSecretMutable: true,
        // A new token or address in the kubeconfig is still the same cluster: nothing is to be replaced.
        clusterIdentifier: [args.app, args.environment, ...further].join("-"),
      },
      { parent: this },
    );
    const own = { parent: this, provider: this.provider };
    const labels = commonLabels(args.app);
    this.namespaceResource = new Namespace(
      name,
      namespaceManifest(args.app, args.namespace, args.podSecurity ?? "restricted"),
      { ...own, retainOnDelete: args.keepsData === true },
    );
    const pullSecrets = (args.registry === undefined ? [] : [args.registry]).map(
      (registry) =>
        new Secret(
          [pullSecretName, ...further].join("."),
          {
            metadata: { name: pullSecretName, namespace: args.namespace, labels, ...replicated(args.pullSecretCopies) },
            ...pullSecretData(registry),
          },
          { ...own, dependsOn: this.namespaceResource },
        ),
    );
    this.home = [this.namespaceResource, ...pullSecrets];
    this.registerOutputs({ namespace: this.namespace });
  }
}

/** Has no effect on a cluster without it. Source: https://github.com/mittwald/kubernetes-replicator */
function replicated(namespaces: string | undefined): { annotations?: Record<string, string> } {
  return namespaces === undefined ? {} : { annotations: { "replicator.v1.mittwald.de/replicate-to": namespaces } };
}

/**
 * How long a rollout may take before the update fails and says why; a Service waits for the pods of its Deployment.
 * @param service how long each of its pods may take to start and to end, in seconds, and how many of them go one after the other
 */
export function rolloutTimeouts(
  service: { start: number; end: number; inTurn?: number } = { start: 60, end: 30 },
): pulumi.CustomTimeouts {
  const { start, end, inTurn = 1 } = service;
  const minutes = (seconds: number): string => `${Math.ceil(seconds / 60)}m`;
  const rollout = minutes(start + 240 + (inTurn - 1) * (start + end));
  // The engine's own patience with a deletion is ten minutes.
  return { create: rollout, update: rollout, ...(end > 300 ? { delete: minutes(end + 300) } : {}) };
}
