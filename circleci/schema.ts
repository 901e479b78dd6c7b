import { z } from "zod";

/** What a parameter or a variable can be set to. */
const parameterValueSchema = z.union([z.string(), z.number(), z.boolean()]);

const description = z.string().optional();

/**
 * Parameters of a pipeline, a job or a command, by name; one without a default must be given.
 * Source: https://circleci.com/docs/guides/orchestrate/reusing-config/#parameter-syntax
 */
const parameterDeclarationsSchema = z.record(
  z.string().regex(/^[a-z][a-z0-9_-]*$/, "Must be lower case letters, digits, '-' and '_'"),
  z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("string"), default: z.string().optional(), description }),
    z.strictObject({ type: z.literal("boolean"), default: z.boolean().optional(), description }),
    z.strictObject({ type: z.literal("integer"), default: z.int().optional(), description }),
    z.strictObject({ type: z.literal("executor"), default: z.string().optional(), description }),
    z
      .strictObject({
        type: z.literal("enum"),
        enum: z.array(z.string()).min(1),
        default: z.string().optional(),
        description,
      })
      .refine((parameter) => parameter.default === undefined || parameter.enum.includes(parameter.default), {
        message: "Must be one of enum",
        path: ["default"],
      }),
  ]),
);
export type ParameterDeclarations = z.infer<typeof parameterDeclarationsSchema>;

/** A condition, decided when the configuration is compiled. A string is a value, e.g. of a parameter; empty is false. */
type Logic =
  | string
  | number
  | boolean
  | { and: Logic[] }
  | { or: Logic[] }
  | { not: Logic }
  | { equal: (string | number | boolean)[] }
  | { matches: { pattern: string; value: string } };

/** Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements */
const logicSchema: z.ZodType<Logic> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.strictObject({ and: z.array(logicSchema).min(1) }),
    z.strictObject({ or: z.array(logicSchema).min(1) }),
    z.strictObject({ not: logicSchema }),
    z.strictObject({ equal: z.array(z.union([z.string(), z.number(), z.boolean()])).min(2) }),
    z.strictObject({ matches: z.strictObject({ pattern: z.string(), value: z.string() }) }),
  ]),
);

const path = z.string().min(1);
const when = z.enum(["always", "on_success", "on_fail"]).optional();

const runSchema = z.strictObject({
  name: z.string().optional(),
  command: z.string().min(1),
  environment: z.record(z.string().regex(/^[A-Za-z_]\w*$/, "Is not the name of a variable"), z.string()).optional(),
  working_directory: path.optional(),
  background: z.boolean().optional(),
  no_output_timeout: z
    .string()
    .regex(/^(\d+(\.\d+)?[smh]|<<.*>>)$/, "Must be a time such as 20m")
    .optional(),
  when,
});

/** The steps that CircleCI knows itself. Source: https://circleci.com/docs/reference/configuration-reference/#steps */
const nativeSteps = {
  run: runSchema,
  checkout: z.strictObject({ path: path.optional(), method: z.enum(["blobless", "full"]).optional() }),
  setup_remote_docker: z.strictObject({ docker_layer_caching: z.boolean().optional(), version: path.optional() }),
  save_cache: z.strictObject({ key: path, paths: z.array(path).min(1), name: z.string().optional(), when }),
  restore_cache: z.strictObject({ keys: z.array(path).min(1), name: z.string().optional() }),
  store_artifacts: z.strictObject({ path, destination: path.optional() }),
  store_test_results: z.strictObject({ path }),
  persist_to_workspace: z.strictObject({ root: path, paths: z.array(path).min(1) }),
  attach_workspace: z.strictObject({ at: path }),
};

type NativeSteps = { [K in keyof typeof nativeSteps]: z.infer<(typeof nativeSteps)[K]> };
type ConditionalSteps = { condition: Logic; steps: Step[] };

/** A step of CircleCI's, or a command of the same file with values for its parameters, as one key with its settings. */
export type Step =
  | string
  | { [K in keyof NativeSteps]: Record<K, NativeSteps[K]> }[keyof NativeSteps]
  | { when: ConditionalSteps }
  | Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** The schema that the key of a step stands for. */
function schemaOf(key: string): z.ZodType {
  if (key === "when" || key === "unless") return z.strictObject({ condition: logicSchema, steps: stepsSchema });
  const native = Object.entries(nativeSteps).find(([name]) => name === key)?.[1];
  return native ?? z.record(z.string(), parameterValueSchema);
}

/** Steps that need no settings. */
const bareSteps = new Set(["checkout", "setup_remote_docker"]);

export function isNative(key: string): boolean {
  return Object.hasOwn(nativeSteps, key);
}

// By its key, so that a problem is told of the setting that has it.
const stepSchema = z.unknown().superRefine((step, context) => {
  if (typeof step === "string") {
    if (isNative(step) && !bareSteps.has(step)) context.addIssue(`${step} needs settings`);
    return;
  }
  const entries = typeof step === "object" && step !== null ? Object.entries(step) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) return context.addIssue("Must be one step with its settings");
  const [key, settings] = entry;
  const result = schemaOf(key).safeParse(settings);
  for (const { path: inside, message } of result.error?.issues ?? [])
    context.addIssue({ code: "custom", path: [key, ...inside], message });
});

/** Whatever passes has the type: nothing is transformed. */
const stepsSchema = z.array(stepSchema).min(1) as unknown as z.ZodType<Step[]>;

const name = z
  .string()
  .regex(/^[A-Za-z][\w-]*$/, "Must start with a letter and have letters, digits, '-' and '_' only");
const variables = z.record(z.string().regex(/^[A-Za-z_]\w*$/, "Is not the name of a variable"), parameterValueSchema);

const executorSchema = z.strictObject({
  /** Jobs run in the first; the others run beside it, and are reached at localhost. */
  docker: z
    .array(
      z.strictObject({
        image: z.string().min(1),
        environment: variables.optional(),
        auth: z.strictObject({ username: z.string(), password: z.string() }).optional(),
      }),
    )
    .min(1),
  working_directory: z.string().min(1).optional(),
  environment: variables.optional(),
  resource_class: z.string().min(1).optional(),
});

const commandSchema = z.strictObject({
  description: z.string().optional(),
  parameters: parameterDeclarationsSchema.optional(),
  steps: stepsSchema,
});

const jobSchema = z.strictObject({
  description: z.string().optional(),
  parameters: parameterDeclarationsSchema.optional(),
  executor: z.string().min(1),
  environment: variables.optional(),
  steps: stepsSchema,
});

/** What a job that is required must have come to; `terminal` is any of them. */
const outcomeSchema = z.enum(["success", "failed", "canceled", "unauthorized", "not_run", "terminal"]);
const requirementSchema = z.union([
  name,
  z
    .record(name, z.union([outcomeSchema, z.array(outcomeSchema).min(1)]))
    .refine((map) => Object.keys(map).length === 1, "Must name one job"),
]);

/** Names of branches, or patterns between slashes. */
const branchesSchema = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

/** One job of a workflow; keys other than these are values of the job's parameters, and checked against those. */
const invocationSchema = z.looseObject({
  name: name.optional(),
  type: z.literal("approval").optional(),
  requires: z.array(requirementSchema).optional(),
  context: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  filters: z
    .strictObject({
      branches: z.strictObject({ only: branchesSchema.optional(), ignore: branchesSchema.optional() }),
    })
    .optional(),
});
export type Invocation = z.infer<typeof invocationSchema>;

const workflowSchema = z.strictObject({
  when: logicSchema.optional(),
  jobs: z
    .array(
      z.union([
        name,
        z.record(name, invocationSchema).refine((map) => Object.keys(map).length === 1, "Must be one job"),
      ]),
    )
    .min(1, "Must have a job"),
});

/**
 * CircleCI's configuration, as far as this program writes it, and stricter: unknown keys are errors. No package of npm's has
 * the schema that CircleCI publishes.
 * Source: https://circleci.com/docs/reference/configuration-reference/
 */
export const circleConfigSchema = z.strictObject({
  version: z.literal(2.1),
  /** Whether it only decides how the pipeline goes on. Source: https://circleci.com/docs/guides/orchestrate/dynamic-config/ */
  setup: z.boolean().optional(),
  parameters: parameterDeclarationsSchema.optional(),
  executors: z.record(name, executorSchema),
  commands: z.record(name, commandSchema).optional(),
  jobs: z.record(name, jobSchema),
  workflows: z.record(name, workflowSchema).refine((map) => Object.keys(map).length > 0, "Must have a workflow"),
});
export type CircleConfig = z.infer<typeof circleConfigSchema>;
export type Executor = z.infer<typeof executorSchema>;
export type ReusableCommand = z.infer<typeof commandSchema>;
export type Job = z.infer<typeof jobSchema>;
export type Workflow = z.infer<typeof workflowSchema>;
