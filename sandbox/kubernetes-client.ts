import { createClient, type KubernetesClient } from "../kubernetes/client.ts";
import { connectionOf } from "../kubernetes/connection.ts";
import { loadKubeconfig } from "../kubernetes/kubeconfig.ts";

/** A client for the cluster of a kubeconfig's current context. */
export function kubernetesClient(kubeconfigPath: string): KubernetesClient {
  return createClient(connectionOf(loadKubeconfig({ kubeconfig: kubeconfigPath, environment: {} }), {}), {});
}
