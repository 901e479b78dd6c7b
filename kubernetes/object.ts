import { isMap, valueAt } from "./json.ts";
import type { JsonMap, JsonValue } from "./json.ts";

/** An object as the API server takes and returns it. */
export type KubernetesObject = JsonMap;

/** What a type token or an object says about its kind. */
export interface KindReference {
  /** E.g. `apps/v1`; `v1` for the core group. */
  apiVersion: string;
  kind: string;
}

export function stringAt(object: JsonMap, ...path: string[]): string | undefined {
  const value = valueAt(object, ...path);
  return typeof value === "string" ? value : undefined;
}

/** A text, number or boolean as text; anything else as JSON. */
export function textOf(value: JsonValue): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function numberAt(object: JsonMap, ...path: string[]): number | undefined {
  const value = valueAt(object, ...path);
  return typeof value === "number" ? value : undefined;
}

export function mapAt(object: JsonMap, ...path: string[]): JsonMap {
  const value = valueAt(object, ...path);
  return isMap(value) ? value : {};
}

/** The maps of a list; whatever else is in it is left out. */
export function listAt(object: JsonMap, ...path: string[]): JsonMap[] {
  const value = valueAt(object, ...path);
  return Array.isArray(value) ? value.filter(isMap) : [];
}

export function nameOf(object: KubernetesObject): string {
  return stringAt(object, "metadata", "name") ?? "";
}

export function namespaceOf(object: KubernetesObject): string {
  return stringAt(object, "metadata", "namespace") ?? "";
}

export function kindOf(object: KubernetesObject): KindReference {
  return { apiVersion: stringAt(object, "apiVersion") ?? "", kind: stringAt(object, "kind") ?? "" };
}

/** The type of an object to Pulumi: `kubernetes:apps/v1:Deployment`; the core group is written `core/v1`. */
export function typeToken(object: KubernetesObject): string {
  const { apiVersion, kind } = kindOf(object);
  return `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;
}

export function annotationOf(object: KubernetesObject, key: string): string | undefined {
  return stringAt(object, "metadata", "annotations", key);
}

/** The object with `value` at the path, or without it where the value is undefined; maps on the way are made. */
export function withValue(object: JsonMap, path: readonly string[], value: JsonValue | undefined): JsonMap {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  if (rest.length > 0) {
    const inner = object[key];
    if (value === undefined && !isMap(inner)) return object;
    return { ...object, [key]: withValue(isMap(inner) ? inner : {}, rest, value) };
  }
  if (value !== undefined) return { ...object, [key]: value };
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

/** `namespace/name`, or `name` for what is not in a namespace: the id in Pulumi's state. */
export function idOf(object: KubernetesObject): string {
  const namespace = namespaceOf(object);
  return namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`;
}

/** E.g. `Deployment shop/link`: how messages name an object. */
export function describe(object: KubernetesObject): string {
  return `${kindOf(object).kind} ${idOf(object)}`;
}

/** The condition of this type in `status.conditions`. */
export function conditionOf(object: KubernetesObject, type: string): JsonMap | undefined {
  return listAt(object, "status", "conditions").find((condition) => condition["type"] === type);
}

export function isCustomResourceDefinition(object: KubernetesObject): boolean {
  const { apiVersion, kind } = kindOf(object);
  return apiVersion.startsWith("apiextensions.k8s.io/") && kind === "CustomResourceDefinition";
}

/** The labels of an object, or of what a template makes, which lies at the path. */
export function labelsAt(object: JsonMap, ...path: string[]): JsonMap {
  return mapAt(object, ...path, "metadata", "labels");
}

/**
 * Whether a selector takes an object with these labels. An empty one takes all, and one that is not there none.
 * Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
 */
export function selects(selector: JsonMap | undefined, labels: JsonMap): boolean {
  if (selector === undefined) return false;
  return (
    Object.entries(mapAt(selector, "matchLabels")).every(([key, value]) => labels[key] === value) &&
    listAt(selector, "matchExpressions").every((requirement) => meets(requirement, labels))
  );
}

/** An operator that is not known is met by nothing. */
function meets(requirement: JsonMap, labels: JsonMap): boolean {
  const value = labels[stringAt(requirement, "key") ?? ""];
  const { values } = requirement;
  const listed = Array.isArray(values) && value !== undefined && values.includes(value);
  switch (requirement["operator"]) {
    case "In":
      return listed;
    case "NotIn":
      return !listed;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}
