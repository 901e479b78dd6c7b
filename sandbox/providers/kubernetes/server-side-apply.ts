import { randomBytes } from "node:crypto";
import { ApiError } from "../../../kubernetes/errors.ts";
import { isMap, valueAt } from "../../../kubernetes/json.ts";
import {
  annotationOf,
  describe,
  listAt,
  mapAt,
  namespaceOf,
  stringAt,
  withValue,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import type { PropertyMap } from "../property.ts";
import { collectionPath, objectPath, resourceOf } from "./discovery.ts";
import { parsePath } from "./property-diff.ts";
import type { Cluster, Session } from "./session.ts";

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

/**
 * The inputs without the fields under `ignoreChanges` that somebody else owns, and with the live value of those that
 * nobody else does: applying the program's last value would undo the very changes that are to be ignored.
 * Paths into lists are left as the engine passes them.
 */
export function withIgnoredFields(
  inputs: KubernetesObject,
  live: KubernetesObject,
  ignoreChanges: readonly string[],
  manager: string,
): KubernetesObject {
  return ignoreChanges.map(parsePath).reduce<KubernetesObject>((object, path) => {
    const keys = path.filter((step) => typeof step === "string");
    if (keys.length !== path.length || keys.includes("*")) return object;
    const { own, others } = ownership(live, keys, manager);
    if (others && !own) return withValue(object, keys, undefined);
    const value = valueAt(live, ...keys);
    return value === undefined ? object : withValue(object, keys, value);
  }, inputs);
}

/** As the official provider, objects are created under this name, and their fields taken over at the first update. */
const creator = "pulumi-kubernetes";

/** `<manager>/<operation>` of those whose fields an update takes over: earlier client-side writers on behalf of the same person. */
const takenOver = new Set(
  ["kubectl/Apply", "kubectl/Update", "before-first-apply/Update"].concat(
    [creator, "pulumi-kubernetes.exe", "pulumi-resource-kubernetes"].map((name) => `${name}/Update`),
  ),
);

/** The name under which a resource's fields are applied: the annotation's, the state's, or a new one. */
export function fieldManagerOf(inputs: KubernetesObject, recorded: string | undefined): string {
  return (
    annotationOf(inputs, "pulumi.com/patchFieldManager") || recorded || `${creator}-${randomBytes(4).toString("hex")}`
  );
}

/**
 * The object's managed fields with those of earlier writers handed to `manager`; undefined where there are none to hand over.
 * Without this, server-side apply would take a program's own first values for somebody else's.
 */
export function withTakeover(object: KubernetesObject, manager: string): PropertyMap[] | undefined {
  const entries = listAt(object, "metadata", "managedFields");
  const isOld = (entry: PropertyMap): boolean =>
    stringAt(entry, "subresource") === undefined &&
    takenOver.has(`${stringAt(entry, "manager")}/${stringAt(entry, "operation")}`) &&
    !(entry["manager"] === manager && entry["operation"] === "Apply");
  const old = entries.filter(isOld);
  const [first] = old;
  if (first === undefined) return undefined;
  const own = entries.find((entry) => entry["manager"] === manager && entry["operation"] === "Apply");
  const fields = [...(own ? [own] : []), ...old].map((entry) => mapAt(entry, "fieldsV1")).reduce(union);
  const merged = { ...(own ?? first), manager, operation: "Apply", fieldsV1: fields };
  return [...entries.filter((entry) => !isOld(entry) && entry !== own), merged];
}

function union(left: PropertyMap, right: PropertyMap): PropertyMap {
  return Object.fromEntries(
    [...new Set([...Object.keys(left), ...Object.keys(right)])].map((key) => {
      const [a, b] = [left[key], right[key]];
      return [key, isMap(a) && isMap(b) ? union(a, b) : (a ?? b ?? {})];
    }),
  );
}

/** Hands the fields over in the cluster; the object as it is then. */
export async function takeOver(
  cluster: Cluster,
  path: string,
  live: KubernetesObject,
  manager: string,
): Promise<KubernetesObject> {
  const managedFields = withTakeover(live, manager);
  if (managedFields === undefined) return live;
  const body = [
    { op: "replace", path: "/metadata/managedFields", value: managedFields },
    { op: "replace", path: "/metadata/resourceVersion", value: stringAt(live, "metadata", "resourceVersion") ?? "" },
  ];
  return await cluster.client.request("PATCH", path, { body, contentType: "application/json-patch+json" });
}

/** Whether `manager` owns the field, and whether another one does. The path is one of map keys. */
export function ownership(
  object: KubernetesObject,
  path: readonly string[],
  manager: string,
): { own: boolean; others: boolean } {
  const holders = listAt(object, "metadata", "managedFields").filter((entry) => {
    const found = path.reduce<PropertyMap | undefined>(
      (fields, key) => {
        const next = fields?.[`f:${key}`];
        return isMap(next) ? next : undefined;
      },
      mapAt(entry, "fieldsV1"),
    );
    return found !== undefined;
  });
  return {
    own: holders.some((entry) => entry["manager"] === manager),
    others: holders.some((entry) => entry["manager"] !== manager),
  };
}

/** Whether a conflict is only with writers whose fields an update takes over before it applies, which a dry run cannot do. */
export function isTakeoverConflict(error: ApiError): boolean {
  const owners = error.causes
    .filter((cause) => cause.reason === "FieldManagerConflict")
    .map((cause) => /"([^"]+)"/.exec(cause.message)?.[1]);
  return owners.length > 0 && owners.every((owner) => takenOver.has(`${owner}/Update`));
}

/** A conflict of field managers in words: which field, whose, and the ways out. */
export function conflictMessage(object: KubernetesObject, error: ApiError): string {
  const conflicts = error.causes
    .filter((cause) => cause.reason === "FieldManagerConflict")
    .map((cause) => `${cause.field} is managed by ${/"([^"]+)"/.exec(cause.message)?.[0] ?? cause.message}`);
  if (conflicts.length === 0)
    return `${describe(object)} was changed by somebody else meanwhile: ${error.message}. Run the update again.`;
  return (
    `server-side apply of ${describe(object)} conflicts with other field managers: ${conflicts.join("; ")}. ` +
    "Leave these fields out of the program (or put them under `ignoreChanges`), " +
    'or take them over with the annotation pulumi.com/patchForce: "true".'
  );
}
