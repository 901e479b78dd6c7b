import type { ParameterDeclarations } from "./circleci-parameters.ts";

type Declaration = ParameterDeclarations[string];

/** What is wrong with the values that are given for parameters. */
export function argumentProblems(
  place: string,
  given: object,
  declared: ParameterDeclarations = {},
  executors: Readonly<Record<string, unknown>>,
): string[] {
  const values = new Map<string, unknown>(Object.entries(given));
  return [
    ...[...values.keys()]
      .filter((name) => !Object.hasOwn(declared, name))
      .map((name) => `${place}.${name}: there is no such parameter`),
    ...Object.entries(declared).flatMap(([name, declaration]) => {
      const value = values.get(name) ?? declaration.default;
      if (value === undefined) return [`${place}.${name}: is missing`];
      const problem = valueProblem(value, declaration, executors);
      return problem === undefined ? [] : [`${place}.${name}: ${problem}`];
    }),
  ];
}

function valueProblem(
  value: unknown,
  declaration: Declaration,
  executors: Readonly<Record<string, unknown>>,
): string | undefined {
  // What a parameter stands for is checked where that is given.
  if (typeof value === "string" && value.includes("<<")) return undefined;
  if (declaration.type === "executor")
    return typeof value === "string" && Object.hasOwn(executors, value) ? undefined : "there is no such executor";
  if (declaration.type === "enum")
    return declaration.enum.includes(String(value)) ? undefined : `must be one of ${declaration.enum.join(", ")}`;
  const type = declaration.type === "integer" ? "number" : declaration.type;
  return typeof value === type ? undefined : `must be of type ${declaration.type}`;
}

/**
 * The `<< … >>` that stand for nothing.
 * @param prefix `parameters`, or `pipeline.parameters`
 */
export function undeclaredParameters(
  place: string,
  value: unknown,
  prefix: string,
  declared: ParameterDeclarations = {},
): string[] {
  const used = JSON.stringify(value).matchAll(/<<\s*([\w.-]+)\s*>>/g);
  const names = [...used].flatMap(([, name = ""]) =>
    name.startsWith(`${prefix}.`) ? [name.slice(prefix.length + 1)] : [],
  );
  return [...new Set(names)]
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => `${place === "" ? "" : `${place}: `}<< ${prefix}.${name} >> is not declared`);
}
