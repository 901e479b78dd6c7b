import { z } from "zod";
import type { Lookup } from "./expression.ts";
import { checkAt, ConfigError, listAt, mapAt, textOf, type Yaml, type YamlMap } from "./yaml.ts";

const declarationSchema = z.strictObject({
  type: z.enum(["string", "boolean", "integer", "enum", "steps", "executor", "env_var_name"]),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
  default: z.unknown().optional(),
});
type Declaration = z.infer<typeof declarationSchema>;

/**
 * The values of all declared parameters: what is given, else the default.
 * Source: https://circleci.com/docs/reusing-config/#using-the-parameters-declaration
 *
 * @param place what declares them, e.g. `jobs.build`
 * @throws ConfigError for one that is missing, unknown, or of another type
 */
export function parameterValues(place: string, declared: Yaml, given: YamlMap): YamlMap {
  const declarations = Object.entries(mapAt(`${place}.parameters`, declared ?? {})).map(
    ([name, declaration]) => [name, checkAt(`${place}.parameters.${name}`, declarationSchema, declaration)] as const,
  );
  const known = new Set(declarations.map(([name]) => name));
  const strangers = Object.keys(given).filter((name) => !known.has(name));
  // The words of CircleCI's API.
  if (strangers.length > 0) throw new ConfigError(place, `Unexpected argument(s): ${strangers.join(", ")}`);
  return Object.fromEntries(
    declarations.map(([name, declaration]) => {
      // Anything of YAML may be a default; its type is checked like that of a given value.
      const value = given[name] ?? (declaration.default as Yaml);
      if (value === undefined) throw new ConfigError(place, `Missing required argument(s): ${name}`);
      return [name, typed(`${place}.parameters.${name}`, declaration, value)];
    }),
  );
}

/** Looks up `parameters.NAME`, and everything else where `outer` does. */
export function withParameters(values: YamlMap, outer: Lookup): Lookup {
  const prefix = "parameters.";
  return (name) => (name.startsWith(prefix) ? values[name.slice(prefix.length)] : outer(name));
}

function typed(place: string, { type, enum: choices = [] }: Declaration, value: Yaml): Yaml {
  if (type === "steps") return listAt(place, value);
  if (type === "executor") return value;
  const fits = {
    string: typeof value === "string" || typeof value === "number",
    boolean: typeof value === "boolean",
    integer: Number.isInteger(value),
    enum: typeof value === "string" && choices.includes(value),
    env_var_name: typeof value === "string" && /^[A-Za-z_]\w*$/.test(value),
  }[type];
  if (!fits)
    throw new ConfigError(
      place,
      `must be ${type === "enum" ? `one of ${choices.join(", ")}` : `of type ${type}`}, not ${JSON.stringify(value)}`,
    );
  return type === "string" ? textOf(value) : value;
}
