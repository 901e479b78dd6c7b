import { randomBytes } from "node:crypto";
import type { ApiError } from "../../../kubernetes/errors.ts";
import { isMap } from "../../../kubernetes/json.ts";
import { annotationOf, describe, listAt, mapAt, stringAt, type KubernetesObject } from "../../../kubernetes/object.ts";
import type { PropertyMap } from "../property.ts";
import type { Cluster } from "./cluster.ts";

/** As the official provider, objects are created under this name, and their fields taken over at the first update. */
export const creator = "pulumi-kubernetes";

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
