import { readFileSync } from "node:fs";
import { parse } from "yaml";

/**
 * The settings of a stack file as the engine would pass them. Only for running the program without the CLI's project
 * loader, which the Automation API and tests do: they know nothing of `stackConfigDir`.
 * @returns keys with the project's prefix; structured values stay structured
 */
export function readStackFile(stack: string): Record<string, unknown> {
  const file: unknown = parse(readFileSync(`stacks/Pulumi.${stack}.yaml`, "utf8"));
  if (
    typeof file !== "object" ||
    file === null ||
    !("config" in file) ||
    typeof file.config !== "object" ||
    file.config === null
  ) {
    throw new Error(`stacks/Pulumi.${stack}.yaml has no \`config:\``);
  }
  return { ...file.config };
}

/** Settings as the program receives them: structured values as JSON, scalars as text. */
export function asProgramConfig(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
