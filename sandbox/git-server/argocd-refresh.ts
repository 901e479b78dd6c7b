import { posix } from "node:path";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { isNotFound, UnreachableError } from "../../kubernetes/errors.ts";
import { listAt, mapAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import type { Push, PushHook } from "./pushes.ts";

export interface ArgoCdRefreshOptions {
  /** Where Argo CD's Applications are; undefined: nowhere yet. */
  cluster: () => KubernetesClient | undefined;
  namespace: string;
  /** URL of this server. */
  url: string;
  /** What the revision `HEAD` means. @default main */
  defaultBranch?: string;
  /** The paths that a push has changed; none: it cannot be told. */
  changedPaths: (push: Push) => Promise<readonly string[]>;
}

const ownPaths = "argocd.argoproj.io/manifest-generate-paths";

/** Makes Argo CD look at a pushed branch at once, as a webhook does at the big Git hosts; by itself it looks every few minutes. */
export function argoCdRefresh({
  cluster,
  namespace,
  url,
  defaultBranch = "main",
  changedPaths,
}: ArgoCdRefreshOptions): PushHook {
  const refreshThose = async (
    concerns: (application: KubernetesObject) => boolean,
    signal: AbortSignal,
  ): Promise<void> => {
    const client = cluster();
    if (client === undefined) return;
    const applications = (await listApplications(client, namespace, signal)).filter(concerns);
    await Promise.all(applications.map((application) => refresh(client, namespace, nameOf(application), signal)));
  };
  return {
    name: "refresh of the Argo CD Applications",
    run: async (push, signal) => {
      const paths = await changedPaths(push);
      await refreshThose(
        (application) =>
          follows(application, `${url}/${push.repository}`, push, defaultBranch) && isConcerned(application, paths),
        signal,
      );
    },
    catchUp: (signal) =>
      refreshThose(
        (application) => sourcesOf(application).some((source) => plain(source.url).startsWith(`${plain(url)}/`)),
        signal,
      ),
  };
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

/** The Applications of a namespace; none where Argo CD is not installed, or its cluster does not run. */
export async function listApplications(
  client: KubernetesClient,
  namespace: string,
  signal?: AbortSignal,
): Promise<KubernetesObject[]> {
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
  return sourcesOf(application).some((source) => {
    const branch = source.revision === "" || source.revision === "HEAD" ? defaultBranch : source.revision;
    const refs = new Set([branch, `refs/heads/${branch}`, `refs/tags/${branch}`]);
    return plain(source.url) === plain(url) && updates.some(({ ref }) => refs.has(ref));
  });
}

/**
 * Whether one of the paths lies below what the Application says that it is made of.
 * Source: https://argo-cd.readthedocs.io/en/stable/operator-manual/high_availability/#manifest-paths-annotation
 */
export function isConcerned(application: KubernetesObject, paths: readonly string[]): boolean {
  const said = (stringAt(application, "metadata", "annotations", ownPaths) ?? "")
    .split(";")
    .filter((one) => one !== "");
  if (paths.length === 0 || said.length === 0) return true;
  const places = said.flatMap((one) =>
    one.startsWith("/") ? [one.slice(1)] : sourcesOf(application).map(({ path }) => posix.join(path, one)),
  );
  return places.some((place) => paths.some((path) => place === "." || path === place || path.startsWith(`${place}/`)));
}

function sourcesOf(application: KubernetesObject): { url: string; revision: string; path: string }[] {
  return [mapAt(application, "spec", "source"), ...listAt(application, "spec", "sources")].map((source) => ({
    url: stringAt(source, "repoURL") ?? "",
    revision: stringAt(source, "targetRevision") ?? "",
    path: stringAt(source, "path") ?? "",
  }));
}

/** The same for all ways to write a repository's URL. */
function plain(url: string): string {
  return url
    .toLowerCase()
    .replace(/^(https?:\/\/)[^/@]*@/, "$1")
    .replace("//localhost:", "//127.0.0.1:")
    .replace(/(\.git)?\/*$/, "");
}
