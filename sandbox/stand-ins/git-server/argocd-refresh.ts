import { posix } from "node:path";
import { gitIn } from "../../../git/git-command.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { listAt, mapAt, nameOf, stringAt, type KubernetesObject } from "../../../kubernetes/object.ts";
import { listApplications, refresh } from "../../machine/argocd/applications.ts";
import type { Push, PushHook } from "./pushes.ts";
import { repositoryPath } from "./repositories.ts";

interface ArgoCdRefreshOptions {
  /** Where Argo CD's Applications are; undefined: nowhere yet. */
  cluster: () => KubernetesClient | undefined;
  namespace: string;
  /** URL of this server. */
  url: string;
  /** What the revision `HEAD` means. @default main */
  defaultBranch?: string;
  /** The paths that a push has changed; none: they are not known. */
  changedPaths: (push: Push) => Promise<readonly string[]>;
}

const pathsAnnotation = "argocd.argoproj.io/manifest-generate-paths";

/** Makes Argo CD look at a pushed branch at once, as a webhook does at the big Git hosts; by itself it looks every few minutes. */
export function argoCdRefresh({
  cluster,
  namespace,
  url,
  defaultBranch = "main",
  changedPaths,
}: ArgoCdRefreshOptions): PushHook {
  const refreshMatching = async (
    isMeant: (application: KubernetesObject) => boolean,
    signal: AbortSignal,
  ): Promise<void> => {
    const client = cluster();
    if (client === undefined) return;
    const applications = (await listApplications(client, namespace, signal)).filter(isMeant);
    await Promise.all(applications.map((application) => refresh(client, namespace, nameOf(application), signal)));
  };
  return {
    name: "refresh of the Argo CD Applications",
    run: async (push, signal) => {
      const paths = await changedPaths(push);
      await refreshMatching(
        (application) =>
          follows(application, `${url}/${push.repository}`, push, defaultBranch) && isConcerned(application, paths),
        signal,
      );
    },
    catchUp: (signal) =>
      refreshMatching(
        (application) => sourcesOf(application).some((source) => plain(source.url).startsWith(`${plain(url)}/`)),
        signal,
      ),
  };
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
  const declared = (stringAt(application, "metadata", "annotations", pathsAnnotation) ?? "")
    .split(";")
    .filter((one) => one !== "");
  if (paths.length === 0 || declared.length === 0) return true;
  const locations = declared.flatMap((one) =>
    one.startsWith("/") ? [one.slice(1)] : sourcesOf(application).map(({ path }) => posix.join(path, one)),
  );
  return locations.some((location) =>
    paths.some((path) => location === "." || path === location || path.startsWith(`${location}/`)),
  );
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

/** What a push has changed, by path; none where a branch or tag is new or gone, or one of its commits is. */
export async function readChangedPaths(root: string, { repository, updates }: Push): Promise<string[]> {
  const git = gitIn(repositoryPath(root, repository), { repository });
  const lists = await Promise.all(
    updates.map(async ({ before, after }) => {
      if (before === undefined || after === undefined) return undefined;
      const output = await git(["diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after]).catch(() => "");
      return output
        .toString()
        .split("\0")
        .filter((path) => path !== "");
    }),
  );
  return lists.every((list) => list !== undefined && list.length > 0) ? lists.flatMap((list) => list ?? []) : [];
}
