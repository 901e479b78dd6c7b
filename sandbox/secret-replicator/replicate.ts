import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { nameOf, namespaceOf } from "../../kubernetes/object.ts";
import { list, watchList, type ListQuery } from "../providers/kubernetes/watch-list.ts";
import { missingCopies } from "./copies.ts";

const namespaces: ListQuery = { path: "/api/v1/namespaces" };
/** All that the program asks to have copied. */
const secrets: ListQuery = { path: "/api/v1/secrets", fieldSelector: "type=kubernetes.io/dockerconfigjson" };

/**
 * Copies Secrets from namespace to namespace, and never ends. Stands in for kubernetes-replicator, which is an image that
 * no package registry has: it makes the copies that the annotation `replicate-to` asks for and keeps them up to date. It
 * takes none back; those of a namespace go with it.
 * Source: https://github.com/mittwald/kubernetes-replicator
 *
 * @param cluster undefined: it is not there yet, or no longer
 */
export async function replicateSecrets(
  cluster: () => KubernetesClient | undefined,
  log: (line: string) => void,
): Promise<void> {
  await Promise.all([namespaces, secrets].map((query) => replicateAtChanges(query, cluster, log)));
}

/** Never ends: a cluster that is not there may come back. */
async function replicateAtChanges(
  query: ListQuery,
  cluster: () => KubernetesClient | undefined,
  log: (line: string) => void,
): Promise<void> {
  for (;;) {
    try {
      const client = cluster();
      if (client !== undefined)
        for await (const _objects of watchList(client, query, new AbortController().signal))
          await replicate(client, log);
    } catch (error) {
      log(error instanceof Error ? error.message : String(error));
    }
    await sleep(1_000);
  }
}

async function replicate(client: KubernetesClient, log: (line: string) => void): Promise<void> {
  for (const copy of missingCopies(await list(client, secrets), await list(client, namespaces))) {
    const [namespace, name] = [namespaceOf(copy), nameOf(copy)];
    await client.request("PATCH", `/api/v1/namespaces/${namespace}/secrets/${name}`, {
      query: { fieldManager: "kubernetes-replicator", force: "true" },
      contentType: "application/apply-patch+yaml",
      body: copy,
    });
    log(`Secret ${name} copied to ${namespace}`);
  }
}
