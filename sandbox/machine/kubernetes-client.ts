import { existsSync, readFileSync } from "node:fs";
import { createClient, type KubernetesClient } from "../../kubernetes/client.ts";
import { connectionOf } from "../../kubernetes/connection.ts";
import { loadKubeconfig } from "../../kubernetes/kubeconfig.ts";

/** A client for the cluster of a kubeconfig's current context. */
export function kubernetesClient(kubeconfigPath: string): KubernetesClient {
  return createClient(connectionOf(loadKubeconfig({ kubeconfig: kubeconfigPath, environment: {} }), {}), {});
}

/**
 * For processes that outlive a cluster: the client for what the kubeconfig says at the moment. One client is kept as long
 * as the file stays the same; it is undefined while there is no file.
 */
export function liveClient(kubeconfigPath: string): () => KubernetesClient | undefined {
  let known: { content: string; client: KubernetesClient } | undefined;
  return () => {
    if (!existsSync(kubeconfigPath)) return undefined;
    const content = readFileSync(kubeconfigPath, "utf8");
    if (known?.content !== content) known = { content, client: kubernetesClient(kubeconfigPath) };
    return known.client;
  };
}
