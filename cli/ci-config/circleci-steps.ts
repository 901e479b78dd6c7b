import { z } from "zod";
import { logicSchema, type Logic } from "./circleci-logic.ts";
import { parameterValueSchema } from "./circleci-parameters.ts";

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
export const stepsSchema = z.array(stepSchema).min(1) as unknown as z.ZodType<Step[]>;
