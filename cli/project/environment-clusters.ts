import { clusterEnvironment, inClusterName } from "../../core/names.ts";
import type { StackSettings } from "../../stacks/schema.ts";

/** One of the clusters on which an environment runs. */
export interface EnvironmentCluster {
  /** `undefined`: the environment has no other. */
  readonly name: string | undefined;
  /** From 1 on. */
  readonly wave: number;
  /** In the kubeconfig. @default its current one */
  readonly context: string | undefined;
  /** What of the names of its Applications belongs to the environment, or to this cluster of it. */
  readonly argoCdName: string;
}

/**
 * The clusters of an environment, its own first, on which Argo CD runs.
 * @param environment its name in the deploy repository
 */
export function environmentClusters(
  environment: string,
  { cluster, clusters }: Pick<StackSettings, "cluster" | "clusters">,
): readonly [own: EnvironmentCluster, ...further: EnvironmentCluster[]] {
  const name = clusters === undefined ? undefined : inClusterName;
  const own = { name, wave: 1, context: cluster.context, argoCdName: environment };
  const further = (clusters ?? []).map((one) => ({
    name: one.name,
    wave: one.wave,
    context: one.context,
    argoCdName: clusterEnvironment(environment, one.name),
  }));
  return [own, ...further];
}
