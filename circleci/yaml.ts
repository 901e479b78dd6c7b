export type Scalar = string | number | boolean | null;
/** What a YAML document holds. */
export type Yaml = Scalar | undefined | Yaml[] | YamlMap;
export interface YamlMap {
  [key: string]: Yaml;
}

/** A configuration that CircleCI would refuse, or that asks for what the sandbox's stand-in does not have. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** @param location path of keys in the configuration, e.g. `jobs.build.docker`; empty: all of it */
  constructor(location: string, problem: string) {
    super(location === "" ? problem : `${location}: ${problem}`);
  }
}

/** @throws ConfigError when it is no map */
export function mapAt(location: string, value: Yaml): YamlMap {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new ConfigError(location, "must be a map");
}

/** @throws ConfigError when it is no list */
export function listAt(location: string, value: Yaml): Yaml[] {
  if (Array.isArray(value)) return value;
  throw new ConfigError(location, "must be a list");
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
