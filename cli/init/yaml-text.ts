import { isReservedWord } from "../../core/yaml.ts";

/** A map on one line. */
export function flow(map: Readonly<Record<string, string>>): string {
  return `{ ${Object.entries(map)
    .map(([key, value]) => `${scalar(key)}: ${scalar(value)}`)
    .join(", ")} }`;
}

/** A list on one line. */
export function flowList(words: readonly string[]): string {
  return `[${words.map(scalar).join(", ")}]`;
}

/** A string that all versions of YAML take for one, within `{}` and `[]`, too. */
export function scalar(text: string): string {
  const isPlain = /^(\.{0,2}\/)*[A-Za-z_][\w./@+=-]*(:[\w./@+=-]+)*$/.test(text) && !isReservedWord(text);
  return isPlain ? text : JSON.stringify(text);
}
