import type { KubernetesClient } from "../providers/kubernetes/client.ts";
import { isNotFound, UnreachableError } from "../providers/kubernetes/errors.ts";
import { listAt, mapAt, nameOf, stringAt, type KubernetesObject } from "../providers/kubernetes/object.ts";
import type { Push, PushHook } from "./pushes.ts";

export interface ArgoCdRefreshOptions {
  /** Where Argo CD's Applications are; undefined: nowhere yet. */
  cluster: () => KubernetesClient | undefined;
  namespace: string;
  /** URL of a repository on this server. */
  urlOf: (repository: string) => string;
  /** What the revision `HEAD` means. @default main */
  defaultBranch?: string;
}

/** Makes Argo CD look at a pushed branch at once, as a webhook does at the big Git hosts; by itself it looks every few minutes. */
export function argoCdRefresh({ cluster, namespace, urlOf, defaultBranch = "main" }: ArgoCdRefreshOptions): PushHook {
  return {
    name: "refresh of the Argo CD Applications",
    run: async (push, signal) => {
      const client = cluster();
      if (client === undefined) return;
      const applications = await listApplications(client, namespace, signal);
      const affected = applications.filter((application) => follows(application, urlOf(push.repository), push, defaultBranch));
      await Promise.all(affected.map((application) => refresh(client, namespace, nameOf(application), signal)));
    },
  };
}

/** Asks Argo CD to compare one Application with Git and the cluster now. One that is gone needs it no more. */
export async function refresh(client: KubernetesClient, namespace: string, name: string, signal?: AbortSignal): Promise<void> {
  const body = { metadata: { annotations: { "argocd.argoproj.io/refresh": "normal" } } };
  const contentType = "application/merge-patch+json";
  try {
    await client.request("PATCH", `${applicationsPath(namespace)}/${name}`, { body, contentType, ...(signal ? { signal } : {}) });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** The Applications of a namespace; none where Argo CD is not installed, or its cluster does not run. */
export async function listApplications(client: KubernetesClient, namespace: string, signal?: AbortSignal): Promise<KubernetesObject[]> {
  try {
    return listAt(await client.request("GET", applicationsPath(namespace), signal ? { signal } : {}), "items");
  } catch (error) {
    if (isNotFound(error) || error instanceof UnreachableError) return [];
    throw error;
  }
}

function applicationsPath(namespace: string): string {
  return `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications`;
}

/** Whether an Application takes its manifests from what a push has moved. */
export function follows(application: KubernetesObject, url: string, { updates }: Push, defaultBranch: string): boolean {
  const sources = [mapAt(application, "spec", "source"), ...listAt(application, "spec", "sources")];
  return sources.some((source) => {
    const revision = stringAt(source, "targetRevision") ?? "";
    const branch = revision === "" || revision === "HEAD" ? defaultBranch : revision;
    const refs = [branch, `refs/heads/${branch}`, `refs/tags/${branch}`];
    return sameRepository(stringAt(source, "repoURL") ?? "", url) && updates.some(({ ref }) => refs.includes(ref));
  });
}

function sameRepository(one: string, other: string): boolean {
  const plain = (url: string): string =>
    url
      .toLowerCase()
      .replace(/^(https?:\/\/)[^/@]*@/, "$1")
      .replace("//localhost:", "//127.0.0.1:")
      .replace(/(\.git)?\/*$/, "");
  return plain(one) === plain(other);
}
