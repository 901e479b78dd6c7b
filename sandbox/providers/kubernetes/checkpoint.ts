import { isMap } from "../../../kubernetes/json.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { hasSecret, isSecret, revealMap, secret, type PropertyMap, type PropertyValue } from "../property.ts";

/** Schema keywords that Pulumi's SDKs spell with underscores, since a dash is no identifier. */
const dashed = [
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-list-type",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-validations",
];
const toUnderscores = new Map(dashed.map((key) => [key, key.replaceAll("-", "_")]));
const toDashes = new Map(dashed.map((key) => [key.replaceAll("-", "_"), key]));

const inputsKey = "__inputs";
const apiVersionKey = "__initialApiVersion";
const fieldManagerKey = "__fieldManager";

/** What the state holds of an object besides the object itself. */
export interface Checkpoint {
  /** The object as the API server returned it last. */
  live: KubernetesObject;
  inputs: KubernetesObject;
  initialApiVersion?: string;
  fieldManager?: string;
}

/** Inputs of a program as the API server takes them: secrets opened, keys dashed. */
export function toObject(properties: PropertyMap): KubernetesObject {
  return renamed(revealMap(properties), toDashes);
}

/** An object of the API server as a program sees it; secret wherever `marked` is, and the data of a Secret always. */
export function toProperties(object: KubernetesObject, marked: PropertyMap): PropertyMap {
  return withSecrets(renamed(object, toUnderscores), marked);
}

/** The outputs of a resource: the live object, and what the next operation needs to know of it. */
export function writeCheckpoint(checkpoint: Required<Checkpoint>, marked: PropertyMap): PropertyMap {
  return {
    ...toProperties(checkpoint.live, marked),
    [inputsKey]: toProperties(checkpoint.inputs, marked),
    [apiVersionKey]: checkpoint.initialApiVersion,
    [fieldManagerKey]: checkpoint.fieldManager,
  };
}

export function readCheckpoint(outputs: PropertyMap): Checkpoint {
  const {
    [inputsKey]: inputs,
    [apiVersionKey]: initialApiVersion,
    [fieldManagerKey]: fieldManager,
    ...live
  } = toObject(outputs);
  return {
    live,
    inputs: isMap(inputs) ? inputs : {},
    ...(typeof initialApiVersion === "string" ? { initialApiVersion } : {}),
    ...(typeof fieldManager === "string" ? { fieldManager } : {}),
  };
}

/**
 * `plain` with the secrets of `marked`. Where a list holds a secret, its items are matched by their names; a list without
 * names becomes secret as a whole: the API server may change its order, and a value that moved must not become readable.
 */
export function withSecrets(plain: PropertyMap, marked: PropertyMap): PropertyMap {
  const hidden = plain["kind"] === "Secret" ? ["data", "stringData"] : [];
  return Object.fromEntries(
    Object.entries(plain).map(([key, value]) => [
      key,
      hidden.includes(key) ? secret(value) : withSecretsOf(value, marked[key]),
    ]),
  );
}

function withSecretsOf(value: PropertyValue, mark: PropertyValue | undefined): PropertyValue {
  if (!hasSecret(mark)) return value;
  if (isMap(value) && isMap(mark) && !isSecret(mark)) return withSecrets(value, mark);
  if (!Array.isArray(value) || !Array.isArray(mark) || !areSameItems(value, mark)) return secret(value);
  return value.map((item, index) => withSecretsOf(item, mark[index]));
}

function areSameItems(values: readonly PropertyValue[], marks: readonly PropertyValue[]): boolean {
  return (
    values.length === marks.length &&
    values.every((value, index) => nameIn(value) !== undefined && nameIn(value) === nameIn(marks[index]))
  );
}

function nameIn(item: PropertyValue | undefined): string | undefined {
  return isMap(item) && typeof item["name"] === "string" ? item["name"] : undefined;
}

function renamed(map: PropertyMap, names: ReadonlyMap<string, string>): PropertyMap {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [names.get(key) ?? key, renamedValue(value, names)]),
  );
}

function renamedValue(value: PropertyValue, names: ReadonlyMap<string, string>): PropertyValue {
  if (Array.isArray(value)) return value.map((item) => renamedValue(item, names));
  return isMap(value) ? renamed(value, names) : value;
}
