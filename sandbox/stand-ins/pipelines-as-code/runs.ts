import { randomBytes } from "node:crypto";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isNotFound } from "../../../kubernetes/errors.ts";
import {
  annotationOf,
  listAt,
  mapAt,
  nameOf,
  namespaceOf,
  stringAt,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import type { RunEvent } from "./event.ts";
import { annotation, originalName, readTemplates, startedBy } from "./templates.ts";

const repositories = "/apis/pipelinesascode.tekton.dev/v1alpha1/repositories";
const managedBy = { "app.kubernetes.io/managed-by": "pipelinesascode.tekton.dev" } as const;
const runsOf = (namespace: string): string => `/apis/tekton.dev/v1/namespaces/${namespace}/pipelineruns`;
export const pathOf = (run: KubernetesObject): string => `${runsOf(namespaceOf(run) ?? "")}/${nameOf(run)}`;

/** What a run is of, and how far its status is known: on the cluster, so that nothing is lost when this process ends. */
export const marks = {
  fullName: annotation("url-repository-full-name"),
  revision: annotation("sha"),
  name: annotation("original-prname"),
  pullRequest: annotation("pull-request"),
  state: annotation("state"),
} as const;

/** The `Repository` objects of a repository's URL: each gets its runs in its own namespace. */
export async function repositoriesOf(client: KubernetesClient, url: string): Promise<KubernetesObject[]> {
  const all = await client.request("GET", repositories);
  return listAt(all, "items").filter((one) => stringAt(one, "spec", "url") === url);
}

/**
 * Starts what an event starts in the namespace of a `Repository`, and cancels what that supersedes.
 * @param only the name of the one run that is asked for. @default all that match
 */
export async function startRuns(
  client: KubernetesClient,
  repository: KubernetesObject,
  event: RunEvent,
  only?: string,
): Promise<KubernetesObject[]> {
  const namespace = namespaceOf(repository) ?? "";
  // The source repository here is public: a Secret of this name, which Pipelines-as-Code makes for private ones, is not needed.
  const authSecret = `pac-gitauth-${randomBytes(3).toString("hex")}`;
  const found = startedBy(event, await readTemplates(event), authSecret);
  const started: KubernetesObject[] = [];
  for (const run of found.filter((one) => only === undefined || originalName(one) === only)) {
    const created = await client.request("POST", runsOf(namespace), { body: marked(run, repository, event) });
    started.push(created);
    if (annotationOf(run, annotation("cancel-in-progress")) === "true") await cancelSuperseded(client, created);
  }
  return started;
}

function marked(run: KubernetesObject, repository: KubernetesObject, event: RunEvent): KubernetesObject {
  const metadata = mapAt(run, "metadata");
  return {
    ...run,
    metadata: {
      ...metadata,
      namespace: namespaceOf(repository) ?? "",
      labels: { ...mapAt(metadata, "labels"), ...managedBy, [annotation("repository")]: nameOf(repository) },
      annotations: {
        ...mapAt(metadata, "annotations"),
        [marks.fullName]: event.fullName,
        [marks.revision]: event.revision,
        [marks.name]: originalName(run),
        [marks.pullRequest]: String(event.pullRequest ?? ""),
        [marks.state]: "queued",
      },
    },
  };
}

/** All runs that this process has started, wherever they are. */
export async function ownRuns(client: KubernetesClient): Promise<KubernetesObject[]> {
  const labelSelector = Object.entries(managedBy)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  const found = await client.request("GET", "/apis/tekton.dev/v1/pipelineruns", { query: { labelSelector } });
  return listAt(found, "items");
}

export function resultOf(run: KubernetesObject): { ended: boolean; succeeded: boolean; message: string } {
  const condition = listAt(run, "status", "conditions").find((one) => one["type"] === "Succeeded") ?? {};
  const status = stringAt(condition, "status") ?? "Unknown";
  return { ended: status !== "Unknown", succeeded: status === "True", message: stringAt(condition, "message") ?? "" };
}

/** Older runs of the same pull request and the same file's run. */
async function cancelSuperseded(client: KubernetesClient, newest: KubernetesObject): Promise<void> {
  const same = [marks.fullName, marks.name, marks.pullRequest];
  for (const run of await ownRuns(client)) {
    const isOld = nameOf(run) !== nameOf(newest) && namespaceOf(run) === namespaceOf(newest) && !resultOf(run).ended;
    if (!isOld || same.some((mark) => annotationOf(run, mark) !== annotationOf(newest, mark))) continue;
    await patch(client, run, { spec: { status: "CancelledRunFinally" } });
  }
}

/** Removes runs that have ended, but for as many of the newest as their annotation says. */
export async function prune(client: KubernetesClient, ended: KubernetesObject): Promise<void> {
  const kept = Number(annotationOf(ended, annotation("max-keep-runs")) ?? Number.NaN);
  if (Number.isNaN(kept)) return;
  const createdAt = (run: KubernetesObject): string => stringAt(run, "metadata", "creationTimestamp") ?? "";
  const old = (await ownRuns(client))
    .filter((run) => namespaceOf(run) === namespaceOf(ended) && resultOf(run).ended)
    .filter((run) => annotationOf(run, marks.name) === annotationOf(ended, marks.name))
    .toSorted((one, other) => createdAt(other).localeCompare(createdAt(one)))
    .slice(kept);
  for (const run of old) await unlessGone(client.request("DELETE", pathOf(run)));
}

export async function patch(client: KubernetesClient, run: KubernetesObject, body: KubernetesObject): Promise<void> {
  await unlessGone(client.request("PATCH", pathOf(run), { body, contentType: "application/merge-patch+json" }));
}

async function unlessGone(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
