import { readFileSync } from "node:fs";
import type { JsonMap } from "./json.ts";
import type { Kubeconfig } from "./kubeconfig.ts";
import { mapAt, stringAt } from "./object.ts";

/** Where the API server is and who asks. */
export interface Connection {
  /** E.g. `https://127.0.0.1:6443`. */
  server: string;
  /** The kubeconfig that says so. */
  source: string;
  context: string;
  /** The namespace of objects that name none. */
  namespace: string;
  tls: { ca?: string; cert?: string; key?: string; rejectUnauthorized: boolean; servername?: string };
  user: JsonMap;
}

export interface ConnectionChoice {
  context?: string | undefined;
  cluster?: string | undefined;
  namespace?: string | undefined;
}

/** The cluster entry that a kubeconfig and the provider's own choices lead to; undefined where they lead nowhere. */
export function activeCluster(kubeconfig: Kubeconfig, choice: ConnectionChoice): JsonMap | undefined {
  const context = kubeconfig.contexts.get(choice.context || kubeconfig.currentContext);
  if (context === undefined) return undefined;
  return kubeconfig.clusters.get(choice.cluster || (stringAt(context, "cluster") ?? ""));
}

/** @throws Error naming what is missing in the kubeconfig. */
export function connectionOf(kubeconfig: Kubeconfig, choice: ConnectionChoice): Connection {
  const { source } = kubeconfig;
  const contextName = choice.context || kubeconfig.currentContext;
  const context = kubeconfig.contexts.get(contextName);
  if (context === undefined) {
    const known = [...kubeconfig.contexts.keys()].join(", ");
    if (known === "")
      throw new Error(
        `${source} has no contexts, so it is not a kubeconfig: set \`kubeconfig\` on the provider to the content of one.`,
      );
    throw new Error(
      `context "${contextName}" is not in ${source} (contexts there: ${known}). Set \`context\` on the provider to one of them.`,
    );
  }
  const clusterName = choice.cluster || (stringAt(context, "cluster") ?? "");
  const cluster = kubeconfig.clusters.get(clusterName);
  if (cluster === undefined)
    throw new Error(`cluster "${clusterName}" of context "${contextName}" is not in ${source}.`);
  const server = stringAt(cluster, "server");
  if (server === undefined || !URL.canParse(server)) {
    throw new Error(
      `cluster "${clusterName}" in ${source} has no valid \`server\`: expected an address such as https://host:6443.`,
    );
  }
  if (stringAt(cluster, "proxy-url"))
    throw new Error(`cluster "${clusterName}" in ${source} has a proxy-url, which is not supported here.`);
  const user = kubeconfig.users.get(stringAt(context, "user") ?? "") ?? {};
  return {
    server: server.replace(/\/+$/, ""),
    source,
    context: contextName,
    namespace: choice.namespace || (stringAt(context, "namespace") ?? "default"),
    tls: {
      rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
      ...optional("ca", pem(cluster, "certificate-authority", source)),
      ...optional("cert", pem(user, "client-certificate", source)),
      ...optional("key", pem(user, "client-key", source)),
      ...optional("servername", stringAt(cluster, "tls-server-name")),
    },
    user: mapAt({ user }, "user"),
  };
}

/** `<key>-data` in base64, else the file at `<key>`. */
function pem(entry: JsonMap, key: string, source: string): string | undefined {
  const data = stringAt(entry, `${key}-data`);
  if (data) return Buffer.from(data, "base64").toString("utf8");
  const path = stringAt(entry, key);
  if (!path) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new Error(`${key} of ${source} cannot be read: ${path}.`);
  }
}

function optional<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  // TypeScript widens a computed key to string; the one entry is what the return type says.
  return value ? ({ [key]: value } as Partial<Record<Key, string>>) : {};
}
