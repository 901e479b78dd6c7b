import { readFileSync } from "node:fs";
import { join } from "node:path";
import { engineAccess } from "../../sandbox/engine/open-stack.ts";
import { credentialsFile } from "../../sandbox/machine/credentials.ts";
import { formsOf } from "../integration/secret-watch.ts";

/** Every password and token of a sandbox in the forms in which it may show. */
export function secretValues(stateDir: string): string[] {
  const credentials: unknown = JSON.parse(readFileSync(credentialsFile(stateDir), "utf8"));
  const { passphrase } = engineAccess(join(stateDir, "pulumi"));
  return [...textsIn(credentials), passphrase].flatMap(formsOf);
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
