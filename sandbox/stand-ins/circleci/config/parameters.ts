import type { Lookup } from "../../../../circleci/expression.ts";
import {
  argumentProblems,
  parameterDeclarationSchema,
  valueProblem,
  type ParameterDeclaration,
} from "../../../../circleci/parameters.ts";
import { ConfigError, mapAt, type Yaml, type YamlMap } from "../../../../circleci/yaml.ts";
import { checkAt } from "./read.ts";

/**
 * The values of all declared parameters: what is given, else the default.
 *
 * @param location what declares them, e.g. `jobs.build`
 * @throws ConfigError for one that is missing, unknown, or of another type
 */
export function parameterValues(location: string, declared: Yaml, given: YamlMap): YamlMap {
  const declarations = Object.fromEntries(
    Object.entries(mapAt(`${location}.parameters`, declared ?? {})).map(([name, declaration]) => [
      name,
      checkAt(`${location}.parameters.${name}`, parameterDeclarationSchema, declaration),
    ]),
  );
  const [problem] = argumentProblems(given, declarations);
  if (problem !== undefined) throw new ConfigError(location, problem);
  return Object.fromEntries(
    Object.entries(declarations).map(([name, declaration]) => [
      name,
      // Anything of YAML may be a default; its type is checked like that of a given value.
      checkedValue(`${location}.parameters.${name}`, declaration, given[name] ?? (declaration.default as Yaml)),
    ]),
  );
}

function checkedValue(location: string, declaration: ParameterDeclaration, value: Yaml): Yaml {
  // A pipeline's number, for example, is a text where a text is asked for.
  const converted = declaration.type === "string" && typeof value === "number" ? String(value) : value;
  const problem = valueProblem(declaration, converted);
  if (problem !== undefined) throw new ConfigError(location, `${problem}, not ${JSON.stringify(value)}`);
  return converted;
}

/** Looks up `parameters.NAME`, and everything else where `outer` does. */
export function withParameters(values: YamlMap, outer: Lookup): Lookup {
  const prefix = "parameters.";
  return (name) => (name.startsWith(prefix) ? values[name.slice(prefix.length)] : outer(name));
}
