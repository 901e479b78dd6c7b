import { createClient, type KubernetesClient } from "../../kubernetes/client.ts";
import { connectionOf } from "../../kubernetes/connection.ts";
import { kubeconfigVariable } from "../../core/names.ts";
import type { JsonMap } from "../../kubernetes/json.ts";
import { loadKubeconfig, parseKubeconfig } from "../../kubernetes/kubeconfig.ts";
import { CommandError } from "../command.ts";

export const clusterHelp = `The cluster is that of KUBECONFIG, or of ~/.kube/config; CI gives the content of a kubeconfig in
${kubeconfigVariable}.`;

/**
 * @param context in the kubeconfig. @default its current one
 * @throws Error where no cluster is known
 */
export function openCluster(
  environment: Readonly<Record<string, string | undefined>>,
  context: string | undefined,
): KubernetesClient {
  const text = environment[kubeconfigVariable];
  const kubeconfig = text === undefined || text === "" ? undefined : contentOf(text);
  return createClient(
    connectionOf(loadKubeconfig({ kubeconfig, title: kubeconfigVariable, environment }), { context }),
    environment,
  );
}

/** The message never repeats it: it holds credentials. */
function contentOf(text: string): JsonMap {
  const content = parseKubeconfig(text);
  if (content !== undefined) return content;
  throw new CommandError(`${kubeconfigVariable} is not the content of a kubeconfig; set it to the text of the file`);
}
