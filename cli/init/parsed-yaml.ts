import { parseAllDocuments } from "yaml";
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

/** The maps of a file; what cannot be read is none of them. */
export function yamlDocuments(text: string): Readonly<Record<string, unknown>>[] {
  const documents = parsed(() => parseAllDocuments(text, { logLevel: "silent" }));
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const value: unknown = document.errors.length === 0 ? parsed(() => document.toJS()) : undefined;
    return isMap(value) ? [value] : [];
  });
}
