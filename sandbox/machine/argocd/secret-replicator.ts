import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../../core/error.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import {
  annotationOf,
  mapAt,
  nameOf,
  namespaceOf,
  stringAt,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { list, watchList, type ListQuery } from "../../providers/kubernetes/watch.ts";

const namespacesQuery: ListQuery = { path: "/api/v1/namespaces" };
/** The program asks for copies of such Secrets only. */
const pullSecretsQuery: ListQuery = { path: "/api/v1/secrets", fieldSelector: "type=kubernetes.io/dockerconfigjson" };

/**
 * Copies Secrets from namespace to namespace, and never ends. Stands in for kubernetes-replicator, which is an image that
 * no package registry has: it makes the copies that the annotation `replicate-to` asks for and keeps them up to date. It
 * removes none; those in a namespace that is deleted are deleted with it.
 * Source: https://github.com/mittwald/kubernetes-replicator
 *
 * @param cluster undefined: it is not there yet, or no longer
 */
export async function replicateSecrets(
  cluster: () => KubernetesClient | undefined,
  log: (line: string) => void,
): Promise<void> {
  await Promise.all([namespacesQuery, pullSecretsQuery].map((query) => replicateAtChanges(query, cluster, log)));
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
      log(errorMessage(error));
    }
    await sleep(1_000);
  }
}

async function replicate(client: KubernetesClient, log: (line: string) => void): Promise<void> {
  for (const copy of missingCopies(await list(client, pullSecretsQuery), await list(client, namespacesQuery))) {
    const [namespace, name] = [namespaceOf(copy), nameOf(copy)];
    await client.request("PATCH", `/api/v1/namespaces/${namespace}/secrets/${name}`, {
      query: { fieldManager: "kubernetes-replicator", force: "true" },
      contentType: "application/apply-patch+yaml",
      body: copy,
    });
    log(`Secret ${name} copied to ${namespace}`);
  }
}

const replicateToAnnotation = "replicator.v1.mittwald.de/replicate-to";
const versionAnnotation = "replicator.v1.mittwald.de/replicated-from-version";

/** The Secrets that are to be made or brought up to date in other namespaces, as the annotations of their originals ask for. */
export function missingCopies(
  secrets: readonly KubernetesObject[],
  namespaces: readonly KubernetesObject[],
): KubernetesObject[] {
  const living = namespaces.filter((namespace) => stringAt(namespace, "metadata", "deletionTimestamp") === undefined);
  return secrets.flatMap((secret) => {
    const patterns = (annotationOf(secret, replicateToAnnotation) ?? "")
      .split(",")
      .filter((pattern) => pattern.trim() !== "");
    if (patterns.length === 0) return [];
    const matches = new RegExp(`^(${patterns.map((pattern) => pattern.trim()).join("|")})$`);
    return living
      .map(nameOf)
      .filter((namespace) => namespace !== namespaceOf(secret) && matches.test(namespace))
      .map((namespace) => copyOf(secret, namespace))
      .filter((copy) => !secrets.some((other) => isSame(other, copy)));
  });
}

function copyOf(secret: KubernetesObject, namespace: string): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: nameOf(secret),
      namespace,
      annotations: { [versionAnnotation]: stringAt(secret, "metadata", "resourceVersion") ?? "" },
    },
    type: stringAt(secret, "type") ?? "Opaque",
    data: mapAt(secret, "data"),
  };
}

function isSame(one: KubernetesObject, other: KubernetesObject): boolean {
  return (
    nameOf(one) === nameOf(other) &&
    namespaceOf(one) === namespaceOf(other) &&
    annotationOf(one, versionAnnotation) === annotationOf(other, versionAnnotation)
  );
}
