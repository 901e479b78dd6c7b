import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";

/**
 * Writes the stack file of an environment.
 * @param directory has a directory `stacks`
 * @param settings by key without the project's prefix
 */
export function writeStackSettings(directory: string, name: string, settings: Readonly<Record<string, unknown>>): void {
  const config = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`delivery:${key}`, value]));
  writeFileSync(join(directory, "stacks", `Pulumi.${name}.yaml`), stringify({ config }));
}
