import { z } from "zod";
import { interpolated, statementHolds, type Lookup } from "../../../../circleci/expression.ts";
import { definitionProblem } from "../../../../circleci/references.ts";
import {
  commandSchema,
  conditionalSchema,
  durationPattern,
  executionSchema,
  imageSchema,
  isNativeStep,
  nativeSteps,
  type NativeStep,
} from "../../../../circleci/schema.ts";
import { ConfigError, listAt, mapAt, textOf, type Scalar, type Yaml, type YamlMap } from "../../../../circleci/yaml.ts";
import { parameterValues, withParameters } from "./parameters.ts";
import { checkAt } from "./read.ts";

/** A variable that is not set reads `<nil>` here; source: https://circleci.com/docs/variables/#usage-example */
function environmentTexts(values: Readonly<Record<string, Scalar>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === null ? "<nil>" : String(value)]),
  );
}

const environment = executionSchema.shape.environment.transform(environmentTexts);
const readyImageSchema = imageSchema.extend({ environment });
const readyExecutionSchema = executionSchema.extend({
  docker: z.array(readyImageSchema).min(1),
  environment,
  working_directory: z.string().default("~/project"),
  shell: z.string().default("/bin/bash -eo pipefail"),
});

/**
 * An image of `docker`: the first stands for this machine, in which the steps run, the others for service containers. Nothing
 * is pulled, so the registry's login has no use.
 */
export type Image = z.infer<typeof readyImageSchema>;

/** A job that is ready to run. Every job has the whole machine, whatever its resource class. */
export interface CompiledJob extends z.infer<typeof readyExecutionSchema> {
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
  const location = `jobs.${name}`;
  const missing = definitionProblem("job", name, context.jobs);
  if (missing !== undefined) throw new ConfigError("jobs", missing);
  const { steps, executor, parallelism = 1, ...own } = filledBody(location, context.jobs[name], given, context);
  if (parallelism !== 1)
    throw new ConfigError(`${location}.parallelism`, "the sandbox's CircleCI runs one instance of a job");
  const execution = executor === undefined ? own : mergedExecution(executionOf(location, executor, context), own);
  if (execution["docker"] === undefined && !["machine", "macos"].some((key) => key in execution))
    throw new ConfigError(location, "has no executor: neither docker nor executor");
  const ready = checkAt(location, readyExecutionSchema, execution);
  return { ...ready, steps: expandSteps(`${location}.steps`, steps, context) };
}

/** The executor that a job names, by its name or with parameters. */
function executionOf(location: string, executor: Yaml, context: JobDefinitions): YamlMap {
  const { name, ...given } =
    typeof executor === "string" ? { name: executor } : mapAt(`${location}.executor`, executor);
  const missing = definitionProblem("executor", textOf(name), context.executors);
  if (typeof name !== "string" || missing !== undefined)
    throw new ConfigError(`${location}.executor`, missing ?? "must have a name");
  return filledBody(`executors.${name}`, context.executors[name], given, context);
}

/** The body of a job or an executor with its parameters and the pipeline's values filled in. */
function filledBody(location: string, definition: Yaml, given: YamlMap, { pipeline }: StepDefinitions): YamlMap {
  const { parameters, description: _, ...body } = mapAt(location, definition);
  const values = parameterValues(location, parameters, given);
  return mapAt(location, interpolated(location, body, withParameters(values, pipeline)));
}

/** What the job says itself wins; of variables it is each by itself. */
function mergedExecution(executor: YamlMap, own: YamlMap): YamlMap {
  const variables = [executor, own].map((part) =>
    part["environment"] === undefined ? {} : mapAt("environment", part["environment"]),
  );
  return { ...executor, ...own, environment: { ...variables[0], ...variables[1] } };
}

const deepestCommands = 20;

interface StepDefinitions {
  commands: YamlMap;
  /** Pipeline values and parameters. */
  pipeline: Lookup;
}

/** The steps of a job, with its commands and conditional steps expanded; its own values are filled in already. */
function expandSteps(location: string, steps: Yaml, context: StepDefinitions, depth = 0): Step[] {
  if (depth > deepestCommands)
    throw new ConfigError(location, `commands call each other more than ${deepestCommands} deep`);
  return listAt(location, steps).flatMap((step, index) => {
    const at = `${location}.${index}`;
    if (typeof step === "string") return expandStep(at, step, undefined, context, depth);
    const entries = Object.entries(mapAt(at, step));
    const [entry] = entries;
    if (entry === undefined || entries.length > 1)
      throw new ConfigError(at, "a step must be one name with its settings");
    return expandStep(at, entry[0], entry[1] ?? undefined, context, depth);
  });
}

function expandStep(location: string, key: string, settings: Yaml, context: StepDefinitions, depth: number): Step[] {
  const at = `${location}.${key}`;
  if (isNativeStep(key)) {
    const given = key === "run" && typeof settings === "string" ? { command: settings } : (settings ?? {});
    // The schema of a type yields that type's settings, which the compiler cannot relate to the key.
    return [{ type: key, ...checkAt<object>(at, readySteps[key], given) } as Step];
  }
  if (key === "when" || key === "unless") {
    const { condition, steps } = checkAt(at, conditionalSchema, settings);
    // What is checked is still plain YAML.
    const holds = statementHolds(`${at}.condition`, condition as Yaml);
    return holds === (key === "when") ? expandSteps(`${at}.steps`, steps as Yaml, context, depth + 1) : [];
  }
  if (!Object.hasOwn(context.commands, key))
    throw new ConfigError(location, `the sandbox's CircleCI knows no step or command ${JSON.stringify(key)}`);
  const command = checkAt(`commands.${key}`, commandSchema, context.commands[key]);
  const given = settings === undefined ? {} : mapAt(at, settings);
  const values = parameterValues(`commands.${key}`, command.parameters as Yaml, given);
  const body = interpolated(`commands.${key}.steps`, command.steps as Yaml, withParameters(values, context.pipeline));
  return expandSteps(`commands.${key}.steps`, body, context, depth + 1);
}

const when = nativeSteps.run.shape.when.default("on_success");

/** In seconds. */
const duration = z
  .string()
  .regex(durationPattern, "must be a number and a unit, such as 10m")
  .transform((text) => Number(text.slice(0, -1)) * { s: 1, m: 60, h: 3600 }[text.slice(-1) as "s" | "m" | "h"]);

const readySteps = {
  ...nativeSteps,
  run: nativeSteps.run.extend({
    environment,
    background: z.boolean().default(false),
    no_output_timeout: duration.optional(),
    auto_rerun_delay: duration.default(0),
    when,
  }),
  save_cache: nativeSteps.save_cache.extend({ when }),
};

type StepOf<Type extends NativeStep> = { type: Type } & z.infer<(typeof readySteps)[Type]>;
/** A step that is ready to run. */
export type Step = { [Type in NativeStep]: StepOf<Type> }[NativeStep];
export type RunStep = StepOf<"run">;

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
