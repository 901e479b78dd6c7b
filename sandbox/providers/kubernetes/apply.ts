import type { Cluster, Session } from "./cluster.ts";
import { collectionPath, objectPath, resourceOf } from "./discovery.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import { conflictMessage, creator, isTakeoverConflict } from "./field-manager.ts";
import { annotationOf, namespaceOf, withValue } from "../../../kubernetes/object.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";

type Query = Record<string, string | undefined>;

/** Server-side apply of the object at a path. @throws Error that names the fields and managers of a conflict. */
export async function apply(
  cluster: Cluster,
  path: string,
  body: KubernetesObject,
  query: Query,
): Promise<KubernetesObject> {
  try {
    return await cluster.client.request("PATCH", path, { body, query, contentType: "application/apply-patch+yaml" });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error;
    if (query["dryRun"] && query["force"] !== "true" && isTakeoverConflict(error))
      return await apply(cluster, path, body, { ...query, force: "true" });
    throw new Error(conflictMessage(body, error), { cause: error });
  }
}

/** Makes the object; one that exists already is refused, or adopted where the provider is set so. */
export async function send(
  session: Session,
  cluster: Cluster,
  object: KubernetesObject,
  { fieldManager, dryRun }: { fieldManager: string; dryRun: boolean },
): Promise<KubernetesObject> {
  const resource = await resourceOf(cluster.discovery, object);
  const body = resource.namespaced ? object : withValue(object, ["metadata", "namespace"], undefined);
  const query = { dryRun: dryRun ? "All" : undefined };
  if (session.settings.upsert) {
    const force = dryRun || session.settings.patchForce || annotationOf(object, "pulumi.com/patchForce") === "true";
    return await apply(cluster, objectPath(resource, object), body, { ...query, fieldManager, force: String(force) });
  }
  return await cluster.client.request("POST", collectionPath(resource, namespaceOf(object)), {
    body,
    query: { ...query, fieldManager: creator },
  });
}

/** The object as it is now, or as it was where it cannot be read. */
export async function latest(cluster: Cluster, object: KubernetesObject): Promise<KubernetesObject> {
  try {
    return await cluster.client.request("GET", objectPath(await resourceOf(cluster.discovery, object), object));
  } catch {
    return object;
  }
}
