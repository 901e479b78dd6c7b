import { readFileSync } from "node:fs";
import { join } from "node:path";
import { credentialsFile } from "../../sandbox/credentials.ts";
import { engineAccess } from "../../sandbox/engine.ts";

/** Every password and token of a sandbox, by the name of it, as it is and in base64. */
export function secretValues(stateDir: string): ReadonlyMap<string, string> {
  const credentials: unknown = JSON.parse(readFileSync(credentialsFile(stateDir), "utf8"));
  const { passphrase } = engineAccess(join(stateDir, "pulumi"));
  const named = [...textsIn("", credentials), ["passphrase", passphrase] as const];
  return new Map(named.flatMap(([name, value]) => formsOf(value).map((form, index) => [`${name} (${index})`, form])));
}

/** The names of the secrets that a text holds. */
export function secretsIn(text: string, secrets: ReadonlyMap<string, string>): string[] {
  return [...secrets].flatMap(([name, value]) => (text.includes(value) ? [name] : []));
}

function textsIn(name: string, value: unknown): (readonly [string, string])[] {
  if (typeof value === "string") return [[name, value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => textsIn(`${name}/${key}`, item));
}

/** Within a longer text in base64 a value begins at one of three places of a group; the groups at its ends hold more than it. */
function formsOf(value: string): string[] {
  const within = [0, 1, 2].map((offset) => {
    const text = Buffer.from(`${"x".repeat(offset)}${value}`).toString("base64");
    return text.slice(offset === 0 ? 0 : 4, text.length - 4);
  });
  return [value, ...within, Buffer.from(value).toString("hex")];
}
