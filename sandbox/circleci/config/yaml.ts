import { parseDocument } from "yaml";
import { ConfigError } from "./config-error.ts";

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
