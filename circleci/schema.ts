/**
 * The grammar of CircleCI's configuration of version 2.1. The first half is what the sandbox's stand-in runs: parts are checked
 * one by one once their `<< … >>` are filled in. The second half is the narrower form in which `delivery ci-config` writes it:
 * as a whole, before anything is filled in. Unknown keys are errors in both. No package of npm's has the schema that CircleCI
 * publishes.
 * Source: https://circleci.com/docs/reference/configuration-reference/
 */
import { z } from "zod";
import { logicSchema, type Logic } from "./expression.ts";
import { parameterDeclarationsSchema } from "./parameters.ts";

const text = z.string().optional();
const part = z.unknown().optional();
const oneOrMore = <Item extends z.ZodType>(item: Item) => z.union([item, z.array(item)]);

/** The sections of a configuration. */
export const sectionsSchema = z.strictObject({
  version: z.union([z.literal(2.1), z.literal("2.1")], "must be 2.1"),
  /** Whether it only decides how the pipeline goes on. Source: https://circleci.com/docs/guides/orchestrate/dynamic-config/ */
  setup: z.boolean().optional(),
  parameters: part,
  executors: part,
  commands: part,
  jobs: part,
  workflows: part,
});

/** Environment variables; one that is not set is `null`. */
const variables = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

export const imageSchema = z.strictObject({
  image: z.string(),
  name: text,
  environment: variables.optional(),
  command: oneOrMore(z.string()).optional(),
  auth: part,
});

/** What a job runs in: an executor of its own, or one that is named and has these settings, too. */
export const executionSchema = z.strictObject({
  /** Jobs run in the first; the others are its service containers, and are reached at localhost. */
  docker: z.array(imageSchema).min(1),
  environment: variables.optional(),
  working_directory: text,
  shell: text,
  resource_class: text,
});

/** A command that steps can call. */
export const commandSchema = z.strictObject({ description: text, parameters: part, steps: part });

const when = z.enum(["always", "on_success", "on_fail"]).optional();
const paths = z.array(z.string()).min(1);

/** The steps that CircleCI knows itself. Source: https://circleci.com/docs/reference/configuration-reference/#steps */
export const nativeSteps = {
  run: z.strictObject({
    command: z.string(),
    name: text,
    shell: text,
    environment: variables.optional(),
    background: z.boolean().optional(),
    working_directory: text,
    no_output_timeout: text,
    /** How often it is run again when it fails. Source: https://circleci.com/docs/guides/orchestrate/automatic-reruns/ */
    max_auto_reruns: z.int().min(1).max(5).optional(),
    auto_rerun_delay: z
      .string()
      .regex(/^(\d|[1-9]\d|[1-5]\d\d|600)s$|^(\d|10)m$/, "must be ten minutes at most, such as 10s")
      .optional(),
    when,
  }),
  checkout: z.strictObject({ path: text, method: z.enum(["blobless", "full"]).optional(), name: text }),
  setup_remote_docker: z.strictObject({ version: text, docker_layer_caching: z.boolean().optional(), name: text }),
  save_cache: z.strictObject({ key: z.string(), paths, name: text, when }),
  restore_cache: z
    .strictObject({ key: text, keys: z.array(z.string()).optional(), name: text })
    .refine(({ key, keys }) => key !== undefined || keys !== undefined, "must have a key or keys"),
  store_artifacts: z.strictObject({ path: z.string(), destination: text, name: text }),
  store_test_results: z.strictObject({ path: z.string(), name: text }),
  persist_to_workspace: z.strictObject({ root: z.string(), paths, name: text }),
  attach_workspace: z.strictObject({ at: z.string(), name: text }),
};
export type NativeStep = keyof typeof nativeSteps;

export function isNativeStep(key: string): key is NativeStep {
  return Object.hasOwn(nativeSteps, key);
}

/** `10m`, `1.25h`, `5s` */
export const durationPattern = /^\d+(\.\d+)?[smh]$/;

/** Steps that run by a condition: the settings of `when` and `unless`. */
export const conditionalSchema = z.strictObject({ condition: part, steps: part });

export const workflowSchema = z.strictObject({ when: part, unless: part, jobs: part });

/** How a job may have ended that another requires. */
export const endings = ["success", "failed", "canceled", "unauthorized", "not_run"] as const;
export type Ending = (typeof endings)[number];

/** `terminal` is any of them. */
const endingSchema = z.enum([...endings, "terminal"]);

/** The jobs that must have ended before another starts. Source: https://circleci.com/docs/configuration-reference/#requires */
export const requiresSchema = z.array(z.union([z.string(), z.record(z.string(), oneOrMore(endingSchema))]));

export const contextSchema = oneOrMore(z.string());

/** Names of branches or tags, or patterns between slashes. Source: https://circleci.com/docs/configuration-reference/#filters */
const namesSchema = z.strictObject({
  only: oneOrMore(z.string()).optional(),
  ignore: oneOrMore(z.string()).optional(),
});
export const filtersSchema = z.strictObject({ branches: namesSchema.optional(), tags: namesSchema.optional() });

const nonEmpty = z.string().min(1);
const oneOrMoreNonEmpty = z.union([nonEmpty, z.array(nonEmpty).min(1)]);
const name = z
  .string()
  .regex(/^[A-Za-z][\w-]*$/, "Must start with a letter and have letters, digits, '-' and '_' only");
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const variableName = z.string().regex(/^[A-Za-z_]\w*$/, "Is not the name of a variable");
const writtenVariables = z.record(variableName, scalar).optional();

const writtenSteps = {
  ...nativeSteps,
  run: nativeSteps.run.extend({
    environment: z.record(variableName, z.string()).optional(),
    no_output_timeout: z
      .string()
      .regex(new RegExp(`${durationPattern.source}|^<<.*>>$`), "Must be a time such as 20m")
      .optional(),
  }),
  restore_cache: nativeSteps.restore_cache.safeExtend({ keys: z.array(z.string()).min(1).optional() }),
};

type WrittenSteps = { [Key in NativeStep]: z.infer<(typeof writtenSteps)[Key]> };
type ConditionalSteps = { condition: Logic; steps: Step[] };

/** A step of CircleCI's, or a command of the same file with values for its parameters, as one key with its settings. */
export type Step =
  | string
  | { [Key in NativeStep]: Record<Key, WrittenSteps[Key]> }[NativeStep]
  | { when: ConditionalSteps }
  | Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** Steps that need no settings. */
const bareSteps: ReadonlySet<string> = new Set<NativeStep>(["checkout", "setup_remote_docker"]);

// By its key, so that a problem names the setting that has it.
const stepSchema = z.unknown().superRefine((step, context) => {
  if (typeof step === "string") {
    if (isNativeStep(step) && !bareSteps.has(step)) context.addIssue(`${step} needs settings`);
    return;
  }
  const entries = typeof step === "object" && step !== null ? Object.entries(step) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) return context.addIssue("Must be one step with its settings");
  const [key, settings]: [string, unknown] = entry;
  const result = settingsSchema(key).safeParse(settings);
  for (const { path, message } of result.error?.issues ?? [])
    context.addIssue({ code: "custom", path: [key, ...path], message });
  // A parameter may turn out empty; what is written so is a mistake.
  if (isNativeStep(key))
    for (const [setting, value] of Object.entries(Object(settings)))
      if ([value].flat().includes(""))
        context.addIssue({ code: "custom", path: [key, setting], message: "Must not be empty" });
});

/** What the key of a step takes. */
function settingsSchema(key: string): z.ZodType {
  if (key === "when" || key === "unless")
    return conditionalSchema.extend({ condition: logicSchema, steps: stepsSchema });
  return isNativeStep(key) ? writtenSteps[key] : z.record(z.string(), scalar);
}

/** Whatever passes has the type: nothing is transformed. */
const stepsSchema = z.array(stepSchema).min(1) as unknown as z.ZodType<Step[]>;

const executorSchema = executionSchema.extend({
  docker: z
    .array(
      imageSchema.extend({
        image: nonEmpty,
        environment: writtenVariables,
        auth: z.strictObject({ username: z.string(), password: z.string() }).optional(),
      }),
    )
    .min(1),
  environment: writtenVariables,
  working_directory: nonEmpty.optional(),
  resource_class: nonEmpty.optional(),
});
export type Executor = z.infer<typeof executorSchema>;

const reusableCommandSchema = commandSchema.extend({
  parameters: parameterDeclarationsSchema.optional(),
  steps: stepsSchema,
});
export type ReusableCommand = z.infer<typeof reusableCommandSchema>;

const jobSchema = reusableCommandSchema.extend({ executor: nonEmpty, environment: writtenVariables });
export type Job = z.infer<typeof jobSchema>;

/** One job of a workflow; keys other than these are values of the job's parameters, and checked against those. */
const invocationSchema = z.looseObject({
  name: name.optional(),
  type: z.literal("approval").optional(),
  requires: z
    .array(
      z.union([
        name,
        z
          .record(name, z.union([endingSchema, z.array(endingSchema).min(1)]))
          .refine((map) => Object.keys(map).length === 1, "Must name one job"),
      ]),
    )
    .optional(),
  context: oneOrMoreNonEmpty.optional(),
  /** An expression: names and patterns of branches and tags in a map are what CircleCI did before that. */
  filters: nonEmpty.optional(),
});
export type Invocation = z.infer<typeof invocationSchema>;

const writtenWorkflowSchema = workflowSchema.extend({
  when: logicSchema.optional(),
  unless: logicSchema.optional(),
  jobs: z
    .array(
      z.union([
        name,
        z.record(name, invocationSchema).refine((map) => Object.keys(map).length === 1, "Must be one job"),
      ]),
    )
    .min(1, "Must have a job"),
});
export type Workflow = z.infer<typeof writtenWorkflowSchema>;

/** A configuration as `delivery ci-config` writes it. */
export const circleConfigSchema = sectionsSchema.extend({
  version: z.literal(2.1),
  parameters: parameterDeclarationsSchema.optional(),
  executors: z.record(name, executorSchema),
  commands: z.record(name, reusableCommandSchema).optional(),
  jobs: z.record(name, jobSchema),
  workflows: z.record(name, writtenWorkflowSchema).refine((map) => Object.keys(map).length > 0, "Must have a workflow"),
});
export type CircleConfig = z.infer<typeof circleConfigSchema>;
