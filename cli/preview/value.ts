/** A value of a resource, with secrets and what only the update will know replaced by words. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** In place of a secret. */
export const secretWord = "[secret]";
/** In place of a value that only the update will know. */
export const unknownWord = "[known after the update]";

const envelope = "4dabf18193072939515e22adb298388d";
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** A value as the engine's events have it; envelopes of secrets are emptied by the engine, and dropped here all the same. */
export function readValue(raw: unknown): Value {
  if (raw === unknownValue) return unknownWord;
  if (typeof raw === "string" || typeof raw === "number" || typeof raw === "boolean") return raw;
  if (Array.isArray(raw)) return raw.map(readValue);
  if (typeof raw !== "object" || raw === null) return null;
  if (envelope in raw) return secretWord;
  return Object.fromEntries(Object.entries(raw).map(([key, item]) => [key, readValue(item)]));
}

export function isMap(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is at a path of keys and indexes; `undefined`: nothing. A secret on the way hides what is in it. */
export function valueAt(value: Value | undefined, path: readonly string[]): Value | undefined {
  const [key, ...rest] = path;
  if (key === undefined || value === secretWord || value === unknownWord) return value;
  if (Array.isArray(value)) return valueAt(value[Number(key)], rest);
  return isMap(value) && Object.hasOwn(value, key) ? valueAt(value[key], rest) : undefined;
}

/** `spec.containers[0].env["a.b"]` → its keys. */
export function parsePath(path: string): string[] {
  const parts = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, plain]) => quoted ?? index ?? plain ?? "");
}

/** One place where two values differ. */
export interface Difference {
  readonly path: readonly string[];
  /** `undefined`: not there. */
  readonly before: Value | undefined;
  readonly after: Value | undefined;
}

/** The places where two values differ, as deep as both have the same shape. */
export function differences(
  before: Value | undefined,
  after: Value | undefined,
  path: readonly string[] = [],
): Difference[] {
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => differences(before[key], after[key], [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      differences(before[index], after[index], [...path, String(index)]),
    );
  }
  return before === after || JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

/** For people, in one short line. */
export function shown(value: Value | undefined): string {
  if (value === undefined) return "(none)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
