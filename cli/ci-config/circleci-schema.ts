import { z } from "zod";
import { parameterDeclarationsSchema, parameterValueSchema } from "./circleci-parameters.ts";
import { logicSchema } from "./circleci-logic.ts";
import { stepsSchema } from "./circleci-steps.ts";

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
