import { parse } from "smol-toml";

/** What a text in TOML says; `undefined`: it is none. What reads it for its own purpose reports that. */
export function parseToml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
