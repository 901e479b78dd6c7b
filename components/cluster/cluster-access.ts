import * as pulumi from "@pulumi/pulumi";
import { createClient, type KubernetesClient } from "../../kubernetes/client.ts";
import { connectionOf } from "../../kubernetes/connection.ts";
import { loadKubeconfig } from "../../kubernetes/kubeconfig.ts";

/** Which cluster, and as whom: as the Kubernetes provider has it. */
export interface ClusterAccess {
  /** The content of a kubeconfig. @default the machine's own */
  readonly kubeconfig?: pulumi.Output<string> | undefined;
  /** @default the kubeconfig's current one */
  readonly context?: string | undefined;
}

/** Asks the cluster beside the engine, within an update. @throws Error if the kubeconfig is of no use */
export async function clusterClient({ kubeconfig, context }: ClusterAccess): Promise<KubernetesClient> {
  const content = await new Promise<string>((resolve) => void pulumi.output(kubeconfig ?? "").apply(resolve));
  const environment = process.env;
  return createClient(connectionOf(loadKubeconfig({ kubeconfig: content, environment }), { context }), environment);
}
