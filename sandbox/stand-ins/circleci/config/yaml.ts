import { parseDocument } from "yaml";
import { z } from "zod";

export type Scalar = string | number | boolean | null;
/** What a YAML document holds. */
export type Yaml = Scalar | undefined | Yaml[] | YamlMap;
export interface YamlMap {
  [key: string]: Yaml;
}

/** Reads a document; anchors and merge keys are resolved, as CircleCI does. @throws ConfigError */
export function parseYaml(text: string): Yaml {
  const document = parseDocument(text, { merge: true });
  const [error] = document.errors;
  if (error !== undefined) throw new ConfigError("", `is not valid YAML: ${error.message}`);
  // Of plain YAML without custom tags nothing else comes out.
  return document.toJS() as Yaml;
}

/** @throws ConfigError when it is no map */
export function mapAt(place: string, value: Yaml): YamlMap {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new ConfigError(place, "must be a map");
}

/** @throws ConfigError when it is no list */
export function listAt(place: string, value: Yaml): Yaml[] {
  if (Array.isArray(value)) return value;
  throw new ConfigError(place, "must be a list");
}

/** A value within a text; one that is not set is nothing. */
export function textOf(value: Yaml): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Source: https://circleci.com/docs/configuration-reference/#logic-statements (falsy values). */
export function isTruthy(value: Yaml): boolean {
  return !(
    value === undefined ||
    value === null ||
    value === false ||
    value === 0 ||
    value === "" ||
    Number.isNaN(value)
  );
}

/** A config that CircleCI would refuse, or that asks for what this stand-in does not have: the pipeline is errored. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** @param place path of keys in the config, e.g. `jobs.build.docker` */
  constructor(place: string, problem: string) {
    super(place === "" ? problem : `${place}: ${problem}`);
  }
}

/** Checks one place of a config. @throws ConfigError that names the first wrong key */
export function checkAt<T>(place: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  // A key that is unknown often is why others are missing.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  const path = [place, ...(issue?.path ?? [])].filter((part) => part !== "").join(".");
  if (issue?.code === "unrecognized_keys")
    throw new ConfigError(
      path,
      `the sandbox's CircleCI does not know the key ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}: ` +
        "it is a stand-in that runs what `delivery ci-config` generates",
    );
  throw new ConfigError(path, issue?.message ?? "is not as CircleCI takes it");
}
