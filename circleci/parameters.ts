import { z } from "zod";

const types = ["string", "boolean", "integer", "enum", "executor", "steps", "env_var_name"] as const;

/**
 * The declaration of a parameter of a pipeline, a job, a command or an executor; one without a default must be given.
 * Source: https://circleci.com/docs/guides/orchestrate/reusing-config/#parameter-syntax
 */
export const parameterDeclarationSchema = z.strictObject({
  type: z.enum(types),
  description: z.string().optional(),
  enum: z.array(z.string()).optional(),
  default: z.unknown().optional(),
});
export type ParameterDeclaration = z.infer<typeof parameterDeclarationSchema>;

const plainDeclarationSchema = parameterDeclarationSchema.omit({ enum: true });

/** Parameters by name, as `delivery ci-config` declares them: with defaults of their types, and none that are steps. */
export const parameterDeclarationsSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9_-]*$/, "Must be lower case letters, digits, '-' and '_'"),
  z.discriminatedUnion("type", [
    plainDeclarationSchema.extend({ type: z.literal("string"), default: z.string().optional() }),
    plainDeclarationSchema.extend({ type: z.literal("boolean"), default: z.boolean().optional() }),
    plainDeclarationSchema.extend({ type: z.literal("integer"), default: z.int().optional() }),
    plainDeclarationSchema.extend({ type: z.literal("executor"), default: z.string().optional() }),
    parameterDeclarationSchema
      .extend({ type: z.literal("enum"), enum: z.array(z.string()).min(1), default: z.string().optional() })
      .refine((parameter) => parameter.default === undefined || parameter.enum.includes(parameter.default), {
        message: "Must be one of enum",
        path: ["default"],
      }),
  ]),
);
export type ParameterDeclarations = z.infer<typeof parameterDeclarationsSchema>;

/** What is wrong with which parameters are given, in the words of CircleCI's API. */
export function argumentProblems(
  given: Readonly<Record<string, unknown>>,
  declared: Readonly<Record<string, ParameterDeclaration>>,
): string[] {
  const unexpected = Object.keys(given).filter((name) => !Object.hasOwn(declared, name));
  const missing = Object.entries(declared)
    .filter(([name, declaration]) => (given[name] ?? declaration.default) === undefined)
    .map(([name]) => name);
  return [
    ...(unexpected.length === 0 ? [] : [`Unexpected argument(s): ${unexpected.join(", ")}`]),
    ...(missing.length === 0 ? [] : [`Missing required argument(s): ${missing.join(", ")}`]),
  ];
}

/** Why a value does not fit its parameter; `undefined`: it does. Whether an executor is there is for its user to find out. */
export function valueProblem({ type, enum: choices = [] }: ParameterDeclaration, value: unknown): string | undefined {
  const fits = {
    string: typeof value === "string",
    boolean: typeof value === "boolean",
    integer: Number.isInteger(value),
    enum: typeof value === "string" && choices.includes(value),
    executor: true,
    steps: Array.isArray(value),
    env_var_name: typeof value === "string" && /^[A-Za-z_]\w*$/.test(value),
  }[type];
  if (fits) return undefined;
  return `must be ${type === "enum" ? `one of ${choices.join(", ")}` : `of type ${type}`}`;
}
