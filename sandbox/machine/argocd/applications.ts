import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isNotFound } from "../../../kubernetes/errors.ts";
import { listAt, type KubernetesObject } from "../../../kubernetes/object.ts";

/** The Applications of a namespace; none where Argo CD is not installed. @throws UnreachableError where its cluster does not answer */
export async function listApplications(
  client: KubernetesClient,
  namespace: string,
  signal?: AbortSignal,
): Promise<KubernetesObject[]> {
  try {
    return listAt(await client.request("GET", applicationsPath(namespace), signal ? { signal } : {}), "items");
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Asks Argo CD to compare one Application with Git and the cluster now. One that is gone needs it no more. */
export async function refresh(
  client: KubernetesClient,
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<void> {
  const body = { metadata: { annotations: { "argocd.argoproj.io/refresh": "normal" } } };
  const contentType = "application/merge-patch+json";
  try {
    await client.request("PATCH", `${applicationsPath(namespace)}/${name}`, {
      body,
      contentType,
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function applicationsPath(namespace: string): string {
  return `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`;
}
