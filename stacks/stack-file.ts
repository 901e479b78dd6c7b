import { readFileSync } from "node:fs";
import { parseYaml } from "../core/yaml.ts";

/** `acme/dev` → `Pulumi.dev.yaml`. */
export function stackFileName(stack: string): string {
  return `Pulumi.${shortName(stack)}.yaml`;
}

/** Relative to the program's directory. */
export function stackFilePath(stack: string): string {
  return `stacks/${stackFileName(stack)}`;
}

/** Without the organization: `acme/dev` → `dev`. */
export function shortName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}

/**
 * The settings of a stack file as the engine would pass them. Only for running the program without the CLI's project
 * loader, which the Automation API and tests do: they know nothing of `stackConfigDir`.
 * @returns keys with the project's prefix; structured values stay structured
 * @throws Error that names the file, if it is no stack file
 */
export function readStackFile(stack: string): Record<string, unknown> {
  const name = `stacks/Pulumi.${stack}.yaml`;
  const content = parseYaml(readFileSync(name, "utf8"));
  if ("problem" in content) throw new Error(`${name}: ${content.problem}`);
  const file = content.value;
  if (
    typeof file !== "object" ||
    file === null ||
    !("config" in file) ||
    typeof file.config !== "object" ||
    file.config === null
  ) {
    throw new Error(`${name} has no \`config:\``);
  }
  return { ...file.config };
}

/** Settings as the program receives them: structured values as JSON, scalars as text. */
export function asProgramConfig(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
