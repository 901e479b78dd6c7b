import { isMap, type JsonMap, type JsonValue } from "../../kubernetes/json.ts";

/**
 * Property values as Pulumi's provider protocol carries them: JSON, in which secrets and unknowns travel as envelopes.
 * Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
 */
export type PropertyValue = JsonValue;
export type PropertyMap = JsonMap;

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** Stands for a value that is not known before the update runs. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isSecret(value: PropertyValue | undefined): value is PropertyMap & { value: PropertyValue } {
  return isMap(value) && value[signatureKey] === secretSignature;
}

/** Wraps a value in the secret envelope; a secret stays as it is. */
export function secret(value: PropertyValue): PropertyMap {
  return isSecret(value) ? value : { [signatureKey]: secretSignature, value };
}

/** The value with every secret envelope in it opened. Only for what goes to an API, never for what returns to the engine. */
export function reveal(value: PropertyValue): PropertyValue {
  if (isSecret(value)) return reveal(value.value);
  if (Array.isArray(value)) return value.map(reveal);
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, reveal(item)]));
}

/** `reveal` of a whole map. */
export function revealMap(map: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(map).map(([key, item]) => [key, reveal(item)]));
}

export function hasUnknown(value: PropertyValue | undefined): boolean {
  if (value === unknown) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isMap(value) && Object.values(value).some(hasUnknown);
}

export function hasSecret(value: PropertyValue | undefined): boolean {
  if (isSecret(value)) return true;
  if (Array.isArray(value)) return value.some(hasSecret);
  return isMap(value) && Object.values(value).some(hasSecret);
}

/**
 * `plain` with an envelope wherever `marked` has one, so that what an API echoes of a secret input stays secret.
 * Where `plain` has another shape than `marked` below a secret, the smallest enclosing part that has both is wrapped.
 */
export function markSecrets(plain: PropertyValue, marked: PropertyValue | undefined): PropertyValue {
  if (isSecret(marked)) return secret(plain);
  if (!hasSecret(marked)) return plain;
  if (Array.isArray(plain) && Array.isArray(marked)) {
    if (plain.length !== marked.length) return secret(plain);
    return plain.map((item, index) => markSecrets(item, marked[index]));
  }
  if (!isMap(plain) || !isMap(marked)) return secret(plain);
  return Object.fromEntries(Object.entries(plain).map(([key, item]) => [key, markSecrets(item, marked[key])]));
}
