/** What JSON can say. */
export type JsonValue = null | boolean | number | string | JsonValue[] | JsonMap;
export interface JsonMap {
  [key: string]: JsonValue;
}

export function isMap(value: JsonValue | undefined): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Follows a path such as `metadata.name`; `undefined` where it does not lead anywhere. */
export function valueAt(map: JsonMap, ...path: string[]): JsonValue | undefined {
  let value: JsonValue | undefined = map;
  for (const key of path) {
    if (!isMap(value)) return undefined;
    value = value[key];
  }
  return value;
}
