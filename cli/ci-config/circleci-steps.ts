import { z } from "zod";
import { logicSchema, type Logic } from "./circleci-logic.ts";
import { parameterValueSchema } from "./circleci-parameters.ts";

const path = z.string().min(1);
const duration = z.string().regex(/^\d+(\.\d+)?[smh]$/, "Must be a time such as 20m");
const when = z.enum(["always", "on_success", "on_fail"]).optional();

const runSchema = z.strictObject({
  name: z.string().optional(),
  command: z.string().min(1),
  environment: z.record(z.string().regex(/^[A-Za-z_]\w*$/, "Is not the name of a variable"), z.string()).optional(),
  working_directory: path.optional(),
  background: z.boolean().optional(),
  no_output_timeout: duration.optional(),
  when,
});

/** The steps that CircleCI knows itself. Source: https://circleci.com/docs/reference/configuration-reference/#steps */
const nativeSteps = {
  run: z.union([z.string().min(1), runSchema]),
  checkout: z.strictObject({ path: path.optional(), method: z.enum(["blobless", "full"]).optional() }),
  setup_remote_docker: z.strictObject({
    docker_layer_caching: z.boolean().optional(),
    version: z.string().optional(),
  }),
  save_cache: z.strictObject({
    key: z.string().min(1),
    paths: z.array(path).min(1),
    name: z.string().optional(),
    when,
  }),
  restore_cache: z.strictObject({ keys: z.array(z.string().min(1)).min(1), name: z.string().optional() }),
  store_artifacts: z.strictObject({ path, destination: z.string().optional() }),
  store_test_results: z.strictObject({ path }),
  persist_to_workspace: z.strictObject({ root: path, paths: z.array(path).min(1) }),
  attach_workspace: z.strictObject({ at: path }),
};

/** Steps without settings. */
export const plainSteps: ReadonlySet<string> = new Set(["checkout", "setup_remote_docker"]);

type NativeStep = {
  [K in keyof typeof nativeSteps]: Record<K, z.infer<(typeof nativeSteps)[K]>>;
}[keyof typeof nativeSteps];

/** A step, or a command of the same file with values for its parameters. */
export type Step =
  | string
  | NativeStep
  | { when: { condition: Logic; steps: Step[] } }
  | Record<string, Record<string, string | number | boolean>>;

const commandCallSchema = z
  .record(z.string(), z.record(z.string(), parameterValueSchema))
  .refine((map) => Object.keys(map).length === 1 && !reserved.has(Object.keys(map)[0] ?? ""), "Is not a step");

const reserved = new Set([...Object.keys(nativeSteps), "when", "unless"]);

export const stepSchema: z.ZodType<Step> = z.lazy(() =>
  z.union([
    z.string().min(1),
    ...Object.entries(nativeSteps).map(([name, schema]) => z.strictObject({ [name]: schema })),
    z.strictObject({ when: z.strictObject({ condition: logicSchema, steps: stepsSchema }) }),
    commandCallSchema,
  ]),
) as z.ZodType<Step>;

export const stepsSchema: z.ZodType<Step[]> = z.lazy(() => z.array(stepSchema).min(1));
