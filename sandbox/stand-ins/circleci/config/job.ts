import { z } from "zod";
import { interpolated, statementHolds, type Lookup } from "./expression.ts";
import { parameterValues, withParameters } from "./parameters.ts";
import { checkAt, ConfigError, listAt, mapAt, textOf, type Yaml, type YamlMap } from "./yaml.ts";

/** A value that is not set reads `<nil>` here; source: https://circleci.com/docs/variables/#usage-example */
const environmentSchema = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .transform((values) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === null ? "<nil>" : String(value)])),
  );

const imageSchema = z.strictObject({
  image: z.string(),
  name: z.string().optional(),
  environment: environmentSchema.default({}),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  // The registry's login has no use here: nothing is pulled.
  auth: z.unknown().optional(),
});

const executionSchema = z.strictObject({
  docker: z.array(imageSchema).min(1),
  environment: environmentSchema.default({}),
  working_directory: z.string().default("~/project"),
  shell: z.string().default("/bin/bash -eo pipefail"),
  // Every job has the whole machine.
  resource_class: z.string().optional(),
});

/** What the steps of a job run in: `docker`, its first image being this machine, the others servers beside it. */
export type Image = z.infer<typeof imageSchema>;

/** A job that is ready to run. */
export interface CompiledJob extends z.infer<typeof executionSchema> {
  steps: Step[];
}

export interface JobDefinitions extends StepDefinitions {
  jobs: YamlMap;
  executors: YamlMap;
}

/**
 * A job of the config with the parameters that a workflow gives it.
 *
 * @throws ConfigError for whatever the stand-in does not run
 */
export function compileJob(name: string, given: YamlMap, context: JobDefinitions): CompiledJob {
  const place = `jobs.${name}`;
  if (!Object.hasOwn(context.jobs, name))
    throw new ConfigError("jobs", `Cannot find a definition for job named ${name}`);
  const { parameters, description: _, ...body } = mapAt(place, context.jobs[name]);
  const values = parameterValues(place, parameters, given);
  const filled = mapAt(place, interpolated(place, body, withParameters(values, context.pipeline)));
  const { steps, executor, parallelism = 1, ...own } = filled;
  if (parallelism !== 1)
    throw new ConfigError(`${place}.parallelism`, "the sandbox's CircleCI runs one instance of a job");
  const execution = executor === undefined ? own : mergedExecution(executionOf(place, executor, context), own);
  if (execution["docker"] === undefined && !["machine", "macos"].some((key) => key in execution))
    throw new ConfigError(place, "has no executor: neither docker nor executor");
  const { environment, ...checked } = checkAt(place, executionSchema, execution);
  return { ...checked, environment, steps: expandSteps(`${place}.steps`, steps, context) };
}

/** The executor that a job names, by its name or with parameters. */
function executionOf(place: string, executor: Yaml, context: JobDefinitions): YamlMap {
  const { name, ...given } = typeof executor === "string" ? { name: executor } : mapAt(`${place}.executor`, executor);
  if (typeof name !== "string" || !Object.hasOwn(context.executors, name))
    throw new ConfigError(`${place}.executor`, `Cannot find a definition for executor named ${textOf(name)}`);
  const at = `executors.${name}`;
  const { parameters, description: _, ...body } = mapAt(at, context.executors[name]);
  const values = parameterValues(at, parameters, given);
  return mapAt(at, interpolated(at, body, withParameters(values, context.pipeline)));
}

/** What the job says itself wins; of variables it is each by itself. */
function mergedExecution(executor: YamlMap, own: YamlMap): YamlMap {
  const variables = [executor, own].map(({ environment }) =>
    environment === undefined ? {} : mapAt("environment", environment),
  );
  return { ...executor, ...own, environment: { ...variables[0], ...variables[1] } };
}

const commandSchema = z.strictObject({
  description: z.string().optional(),
  parameters: z.unknown().optional(),
  steps: z.unknown().optional(),
});
const conditionalSchema = z.strictObject({ condition: z.unknown().optional(), steps: z.unknown().optional() });
const deepestCommands = 20;

interface StepDefinitions {
  commands: YamlMap;
  /** Pipeline values and parameters. */
  pipeline: Lookup;
}

/** The steps of a job, with its commands and conditional steps expanded; its own values are filled in already. */
function expandSteps(place: string, steps: Yaml, context: StepDefinitions, depth = 0): Step[] {
  if (depth > deepestCommands)
    throw new ConfigError(place, `commands call each other more than ${deepestCommands} deep`);
  return listAt(place, steps).flatMap((step, index) => {
    const at = `${place}.${index}`;
    if (typeof step === "string") return expandStep(at, step, undefined, context, depth);
    const entries = Object.entries(mapAt(at, step));
    const [entry] = entries;
    if (entry === undefined || entries.length > 1)
      throw new ConfigError(at, "a step must be one name with its settings");
    return expandStep(at, entry[0], entry[1] ?? undefined, context, depth);
  });
}

function expandStep(place: string, key: string, settings: Yaml, context: StepDefinitions, depth: number): Step[] {
  const at = `${place}.${key}`;
  if (isStepType(key)) {
    // The schema of a type yields that type's settings, which the compiler cannot relate to the key.
    return [{ type: key, ...checkAt<object>(at, stepSchemas[key], settings ?? {}) } as Step];
  }
  if (key === "when" || key === "unless") {
    const { condition, steps } = checkAt(at, conditionalSchema, settings);
    // What is checked is still plain YAML.
    const holds = statementHolds(`${at}.condition`, condition as Yaml);
    return holds === (key === "when") ? expandSteps(`${at}.steps`, steps as Yaml, context, depth + 1) : [];
  }
  if (!Object.hasOwn(context.commands, key))
    throw new ConfigError(place, `the sandbox's CircleCI knows no step or command ${JSON.stringify(key)}`);
  const command = checkAt(`commands.${key}`, commandSchema, context.commands[key]);
  const given = settings === undefined ? {} : mapAt(at, settings);
  const values = parameterValues(`commands.${key}`, command.parameters as Yaml, given);
  const body = interpolated(`commands.${key}.steps`, command.steps as Yaml, withParameters(values, context.pipeline));
  return expandSteps(`commands.${key}.steps`, body, context, depth + 1);
}

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
const stepSchemas = {
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

type StepType = keyof typeof stepSchemas;
type StepOf<Type extends StepType> = { type: Type } & z.infer<(typeof stepSchemas)[Type]>;
/** A step that is ready to run. */
export type Step = { [Type in StepType]: StepOf<Type> }[StepType];
export type RunStep = StepOf<"run">;

function isStepType(key: string): key is StepType {
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
