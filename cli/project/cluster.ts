import { parse } from "yaml";
import { createClient, type KubernetesClient } from "../../kubernetes/client.ts";
import { connectionOf } from "../../kubernetes/connection.ts";
import { isMap, type JsonMap, type JsonValue } from "../../kubernetes/json.ts";
import { loadKubeconfig } from "../../kubernetes/kubeconfig.ts";
import { CommandError } from "../command.ts";

/** The environment variable with the content of a kubeconfig: CI's contexts hold texts, and no files. */
export const kubeconfigVariable = "DELIVERY_KUBECONFIG";

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
  const content = parsed(text);
  if (isMap(content)) return content;
  throw new CommandError(`${kubeconfigVariable} is not the content of a kubeconfig; set it to the text of the file`);
}

function parsed(text: string): JsonValue | undefined {
  try {
    // The yaml package's result for YAML without tags is JSON, which is what JsonValue describes.
    return parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
