import { isMap } from "../../core/yaml.ts";

/** What is at a path of keys; `undefined`: there is nothing. */
export function valueAt(value: Readonly<Record<string, unknown>>, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((found, key) => (isMap(found) ? found[key] : undefined), value);
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** @returns `undefined` where it cannot be read: then nothing is known of it */
export function parsed(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export function isPort(port: unknown): port is number {
  return typeof port === "number" && port >= 1 && port <= 65_535;
}
