import { z } from "zod";

/** A value that is not set reads `<nil>` here; source: https://circleci.com/docs/variables/#usage-example */
export const environmentSchema = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .transform((values) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === null ? "<nil>" : String(value)])),
  );
const when = z.enum(["always", "on_success", "on_fail"]).default("on_success");
const name = z.string().optional();
const paths = z.array(z.string()).min(1);

/** `10m`, `1.25h`, `5s` → seconds. */
const duration = z
  .string()
  .regex(/^\d+(\.\d+)?[smh]$/, "must be a number and a unit, such as 10m")
  .transform((text) => Number(text.slice(0, -1)) * { s: 1, m: 60, h: 3600 }[text.slice(-1) as "s" | "m" | "h"]);

const runSchema = z.strictObject({
  command: z.string(),
  name,
  shell: z.string().optional(),
  environment: environmentSchema.optional(),
  background: z.boolean().default(false),
  working_directory: z.string().optional(),
  no_output_timeout: duration.optional(),
  when,
});

/**
 * The steps that this stand-in runs, and the settings that it knows of each.
 * Source: https://circleci.com/docs/configuration-reference/#steps
 */
export const stepSchemas = {
  run: z.preprocess((value) => (typeof value === "string" ? { command: value } : value), runSchema),
  checkout: z.strictObject({ path: z.string().optional(), method: z.enum(["full", "blobless"]).optional(), name }),
  setup_remote_docker: z.strictObject({
    version: z.string().optional(),
    docker_layer_caching: z.boolean().optional(),
    name,
  }),
  persist_to_workspace: z.strictObject({ root: z.string(), paths, name }),
  attach_workspace: z.strictObject({ at: z.string(), name }),
  save_cache: z.strictObject({ key: z.string(), paths, name, when }),
  restore_cache: z
    .strictObject({ key: z.string().optional(), keys: z.array(z.string()).optional(), name })
    .refine(({ key, keys }) => key !== undefined || keys !== undefined, "must have a key or keys"),
  store_artifacts: z.strictObject({ path: z.string(), destination: z.string().optional(), name }),
  store_test_results: z.strictObject({ path: z.string(), name }),
} as const;

export type StepType = keyof typeof stepSchemas;
type StepOf<Type extends StepType> = { type: Type } & z.infer<(typeof stepSchemas)[Type]>;
/** A step that is ready to run. */
export type Step = { [Type in StepType]: StepOf<Type> }[StepType];
export type RunStep = StepOf<"run">;

export function isStepType(key: string): key is StepType {
  return Object.hasOwn(stepSchemas, key);
}

/** As CircleCI shows it. */
export function stepTitle(step: Step): string {
  if (step.name !== undefined) return step.name;
  if (step.type === "run") return step.command.split("\n")[0] ?? "";
  return {
    checkout: "Checkout code",
    setup_remote_docker: "Setup a remote Docker engine",
    persist_to_workspace: "Persisting to workspace",
    attach_workspace: "Attaching workspace",
    save_cache: "Saving cache",
    restore_cache: "Restoring cache",
    store_artifacts: "Uploading artifacts",
    store_test_results: "Uploading test results",
  }[step.type];
}
