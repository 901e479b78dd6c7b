import type * as pulumi from "@pulumi/pulumi";
import { Cluster, type ClusterArgs } from "./cluster.ts";

/** A cluster of an environment beside its own, as the stack file says. */
export interface FurtherClusterSettings {
  /** What people call it. */
  readonly name: string;
  /** From 1 on; the environment's own cluster is in the first one. */
  readonly wave: number;
  /** In the kubeconfig. */
  readonly context: string;
  /** Where Argo CD reaches it. */
  readonly server: string;
  /** With which Argo CD writes there. */
  readonly token: pulumi.Output<string>;
  /** The certificate of its authority, as PEM. @default one that Argo CD trusts anyway */
  readonly ca?: string | undefined;
}

/** The same, with the environment's home there. */
export interface FurtherCluster extends FurtherClusterSettings {
  readonly cluster: Cluster;
}

/** Makes the environment's namespace on its further clusters, with what its pods pull images with. */
export function furtherClusters(
  app: string,
  settings: readonly FurtherClusterSettings[],
  args: ClusterArgs,
): readonly FurtherCluster[] {
  return settings.map((one) => {
    const { name: further, context } = one;
    // Only the environment's own cluster has environments of pull requests.
    const own = { ...args, further, context, pullSecretCopies: undefined };
    return { ...one, cluster: new Cluster(`${app}.${further}`, own) };
  });
}
