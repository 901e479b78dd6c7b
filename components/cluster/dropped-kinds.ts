import { AsyncLocalStorage } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";
import { errorMessage } from "../../core/error.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ignoreNotFound } from "../../kubernetes/errors.ts";
import type { JsonMap } from "../../kubernetes/json.ts";
import { annotationOf, labelsAt, listAt, nameOf, stringAt, type KubernetesObject } from "../../kubernetes/object.ts";
import { clusterClient, type ClusterAccess } from "./cluster-access.ts";

export interface DroppedKindsArgs {
  /** The AppProject, e.g. `shop-dev`; the names of its Applications begin with it. */
  readonly project: string;
  /** Where its Applications put their objects. */
  readonly namespace: string;
  readonly access: ClusterAccess;
}

type Kind = { readonly group: string; readonly kind: string };

/**
 * What the engine calls when it has taken kinds from an AppProject. Argo CD neither sees nor removes any more what its project
 * does not allow, and Git names it for a moment longer: what a service has brought along would stay on the cluster for good.
 * Source: https://argo-cd.readthedocs.io/en/stable/user-guide/projects/
 */
export function droppedKindsRemoval(args: DroppedKindsArgs): pulumi.ResourceHookBinding {
  // Where several programs run in one process, a log belongs to the one that it is written in.
  const inProgram = AsyncLocalStorage.snapshot();
  const hook = new pulumi.ResourceHook(`${args.project}-dropped-kinds`, async ({ oldInputs, newInputs }) => {
    const dropped = droppedKinds(oldInputs, newInputs);
    if (dropped.length === 0) return;
    await removeDropped(args, dropped).catch((error: unknown) => {
      const kinds = dropped.map(({ kind }) => kind).join(", ");
      const hint = `${args.project}: what its Applications have made of kinds that it does not allow any more (${kinds}) could not be removed from the namespace ${args.namespace} (${errorMessage(error)}), and Argo CD will not do it: remove it with \`kubectl delete\``;
      inProgram(() => void pulumi.log.warn(hint));
    });
  });
  return { afterUpdate: [hook] };
}

/** What an AppProject allowed, and does not any more. @param olds its inputs, as `news` */
export function droppedKinds(olds: object | undefined, news: object | undefined): readonly Kind[] {
  const allowed = new Set(allowedKinds(news).map(keyOf));
  // The pods of a Rollout serve until those of a Deployment do: they are not to go before.
  return allowedKinds(olds).filter((kind) => !allowed.has(keyOf(kind)) && kind.group !== "argoproj.io");
}

function allowedKinds(inputs: object | undefined): Kind[] {
  // What the engine hands to a hook is JSON.
  const kinds = listAt((inputs ?? {}) as JsonMap, "spec", "namespaceResourceWhitelist");
  return kinds.map((one) => ({ group: stringAt(one, "group") ?? "", kind: stringAt(one, "kind") ?? "" }));
}

function keyOf({ group, kind }: Kind): string {
  return `${group}/${kind}`;
}

async function removeDropped(args: DroppedKindsArgs, dropped: readonly Kind[]): Promise<void> {
  const client = await clusterClient(args.access);
  for (const kind of dropped) await removeTracked(client, args, kind);
}

/** Removes the objects of a kind that Argo CD has made for the project's Applications, but for those that it is told to leave. */
async function removeTracked(
  client: KubernetesClient,
  { project, namespace }: Omit<DroppedKindsArgs, "access">,
  kind: Kind,
): Promise<void> {
  const list = await listPath(client, kind, namespace);
  if (list === undefined) return;
  for (const object of listAt(await client.request("GET", list), "items"))
    if (isTracked(object, project) && !isLeft(object))
      await client.request("DELETE", `${list}/${nameOf(object)}`).catch(ignoreNotFound);
}

/** @returns `undefined` where the cluster has no such kind any more */
async function listPath(
  client: KubernetesClient,
  { group, kind }: Kind,
  namespace: string,
): Promise<string | undefined> {
  const api = group === "" ? "/api/v1" : await preferredApi(client, group);
  if (api === undefined) return undefined;
  const resources = listAt(await client.request("GET", api), "resources");
  const names = resources.flatMap((one) => (stringAt(one, "kind") === kind ? (stringAt(one, "name") ?? []) : []));
  // The others are parts of it: `roles/status`.
  const plural = names.find((name) => !name.includes("/"));
  return plural === undefined ? undefined : `${api}/namespaces/${namespace}/${plural}`;
}

async function preferredApi(client: KubernetesClient, group: string): Promise<string | undefined> {
  const found = await client.request("GET", `/apis/${group}`).catch(ignoreNotFound);
  const version = stringAt(found ?? {}, "preferredVersion", "groupVersion");
  return version === undefined ? undefined : `/apis/${version}`;
}

/**
 * Argo CD marks what it has made by an annotation, or by a label where it is set to.
 * Source: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
 */
function isTracked(object: KubernetesObject, project: string): boolean {
  const label = labelsAt(object)["app.kubernetes.io/instance"];
  const mark = annotationOf(object, "argocd.argoproj.io/tracking-id") ?? (typeof label === "string" ? label : "");
  return mark.startsWith(`${project}-`);
}

/** Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/ */
function isLeft(object: KubernetesObject): boolean {
  return /\b(Prune|Delete)=(false|confirm)\b/.test(annotationOf(object, "argocd.argoproj.io/sync-options") ?? "");
}
