import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { renamedServiceSettings } from "../components/service/find-services.ts";
import { jsonOrText } from "../core/json.ts";
import { schemaProblems, type Problem } from "../core/problem.ts";
import { renamedKeyProblems, schemaVersion, unquotedVersion } from "../core/schema-version.ts";
import { parseSettings } from "../core/yaml.ts";
import { secretsSchema, stackSchema } from "./schema.ts";

/** Where stack files are, relative to the program's directory. */
export const stacksDirectory = "stacks";

/** `acme/dev` → `Pulumi.dev.yaml`. */
export function stackFileName(stack: string): string {
  return `Pulumi.${shortName(stack)}.yaml`;
}

/** Relative to the program's directory. */
export function stackFilePath(stack: string): string {
  return `${stacksDirectory}/${stackFileName(stack)}`;
}

/** `stacks/Pulumi.dev.yaml` → `dev`. */
export function stackNameOf(file: string): string {
  return basename(file).replace(/^Pulumi\.|\.yaml$/g, "");
}

/** Without the organization: `acme/dev` → `dev`. */
export function shortName(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}

/**
 * The settings of a stack file as the engine would pass them. Only for running the program without the CLI's project
 * loader, which the Automation API and tests do: they know nothing of `stackConfigDir`.
 * @param directory where it is. @default `stacks`
 * @returns keys with the project's prefix; structured values stay structured
 * @throws Error that names the file, if it is no stack file
 */
export function readStackFile(stack: string, directory: string = stacksDirectory): Record<string, unknown> {
  const name = `${directory}/Pulumi.${stack}.yaml`;
  const content = parseSettings(readFileSync(name, "utf8"));
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

/** What the engine may have read otherwise than it was meant, which the text alone shows. A stack may have no file. */
export function textProblems(file: string): Problem[] {
  const content = existsSync(file) ? parseSettings(readFileSync(file, "utf8")) : undefined;
  return content !== undefined && "problem" in content ? [{ location: file, message: content.problem }] : [];
}

/** Settings as the program receives them: structured values as JSON, scalars as text. */
export function asProgramConfig(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/**
 * What the settings of this program are to it, for whoever reads them from the file: as {@link parseSetting} has it from the engine.
 * @param config all that stands below `config:`; what is there of others, such as providers, is left out
 * @returns by name, without the project's prefix
 */
export function programSettings(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) => {
      const [, name] = /^delivery:(.*)$/.exec(key) ?? [];
      if (name === undefined) return [];
      return [[name, typeof value === "string" ? parseSetting(name, value) : value]];
    }),
  );
}

/**
 * The engine passes structured values as JSON, and so does `pulumi config set`, and scalars as text; of the scalars only the
 * version is a number.
 * @param key without the project's prefix
 */
export function parseSetting(key: string, value: string): unknown {
  if (key === "schemaVersion") return unquotedVersion(value);
  // A registry's password can be a key file in JSON, and a kubeconfig can be JSON too: those are texts all the same.
  const isText = key in secretsSchema.shape && key !== "secrets";
  return isText || !/^\s*[{[]/.test(value) ? value : jsonOrText(value);
}

/**
 * Why a stack file is not of the version that this program reads. One of an earlier version gets all the keys to rename: those
 * in it, and those in the files of the services that it names.
 * @param settings all that the file says, without the project's prefix; the version as a number
 * @returns nothing if it is of that version
 */
export function versionProblems(file: string, settings: Readonly<Record<string, unknown>>): Problem[] {
  const { schemaVersion: version } = settings;
  if (!earlierVersion.safeParse(version).success) {
    const parsed = stackSchema.pick({ schemaVersion: true }).safeParse({ schemaVersion: version });
    return parsed.success ? [] : schemaProblems(file, parsed.error, settings);
  }
  const app = appSchema.safeParse(settings["app"]);
  const renamed = [
    ...renamedKeyProblems("stack", file, settings),
    ...(app.success ? renamedServiceSettings(app.data) : []),
  ];
  const hint = renamed.length === 0 ? "no key of yours has another name there" : "rename these keys, too";
  return [
    {
      location: `${file}: schemaVersion`,
      message: `${JSON.stringify(version)}: this program reads version ${schemaVersion}; set it to ${schemaVersion}: ${hint}`,
    },
    ...renamed,
  ];
}

const earlierVersion = z
  .int()
  .min(1)
  .max(schemaVersion - 1);

/** Where the services are. What else is wrong in a file of another version is left for later. */
const appSchema = z.object({ directory: z.string(), services: z.string().default("svc/*") });
