import { isMap } from "../../../kubernetes/json.ts";
import {
  isCustomResourceDefinition,
  kindOf,
  mapAt,
  withValue,
  type KubernetesObject,
} from "../../../kubernetes/object.ts";
import { unknown, type PropertyMap, type PropertyValue } from "../property.ts";
import { canonicalQuantity } from "./quantity.ts";
import { isBuiltIn } from "./type-token.ts";

const readOnly = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "uid",
];
const quantityMaps = new Set(["limits", "requests", "hard", "capacity", "podFixed"]);
const quantities = new Set(["sizeLimit", "averageValue", "divisor"]);

/**
 * The inputs in the one form that means the same to the API server, so that two spellings of it are no difference:
 * without fields that only the server sets, quantities canonical, `stringData` of a Secret as `data`.
 * Objects of custom kinds keep all but the read-only fields: only their definition knows what they mean.
 */
export function normalize(inputs: KubernetesObject): KubernetesObject {
  const object = isMap(inputs["metadata"]) ? { ...inputs, metadata: without(inputs["metadata"], readOnly) } : inputs;
  if (!isBuiltIn(kindOf(object).apiVersion)) return object;
  // The cast holds: without nulls, a map stays a map.
  const clean = spelled(object) as PropertyMap;
  if (isCustomResourceDefinition(clean)) return normalizedDefinition(clean);
  return isSecretObject(clean) ? normalizedSecret(clean) : clean;
}

export function isSecretObject(object: KubernetesObject): boolean {
  const { apiVersion, kind } = kindOf(object);
  return apiVersion === "v1" && kind === "Secret";
}

function without(map: PropertyMap, keys: readonly string[]): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** Nulls left out, quantities canonical. */
function spelled(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return value.map(spelled);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => {
        if (quantities.has(key)) return [key, quantity(item)];
        if (quantityMaps.has(key) && isMap(item))
          return [key, Object.fromEntries(Object.entries(item).map(([name, each]) => [name, quantity(each)]))];
        return [key, spelled(item)];
      }),
  );
}

function quantity(value: PropertyValue): PropertyValue {
  if (value === unknown) return value;
  return typeof value === "string" || typeof value === "number" ? canonicalQuantity(String(value)) : spelled(value);
}

function normalizedDefinition(object: KubernetesObject): KubernetesObject {
  // The API server drops `preserveUnknownFields: false`, and ignores a status.
  const kept =
    mapAt(object, "spec")["preserveUnknownFields"] === false
      ? withValue(object, ["spec", "preserveUnknownFields"], undefined)
      : object;
  return without(kept, ["status"]);
}

function normalizedSecret(object: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = object;
  const data = isMap(object["data"])
    ? Object.fromEntries(Object.entries(object["data"]).map(([key, value]) => [key, reencoded(value)]))
    : object["data"];
  if (stringData === undefined) return data === undefined ? object : { ...rest, data };
  if (stringData === unknown || data === unknown) return { ...rest, data: unknown };
  if (!isMap(stringData)) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    typeof value === "string" && value !== unknown ? Buffer.from(value, "utf8").toString("base64") : value,
  ]);
  // As on the server, stringData wins over data.
  return { ...rest, data: { ...(isMap(data) ? data : {}), ...Object.fromEntries(encoded) } };
}

/** Base64 without the line ends that the API server drops; what is no base64 is left for it to refuse. */
function reencoded(value: PropertyValue): PropertyValue {
  if (typeof value !== "string" || value === unknown || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) return value;
  return Buffer.from(value, "base64").toString("base64");
}
