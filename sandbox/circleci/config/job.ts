import { z } from "zod";
import { checkAt, ConfigError } from "./config-error.ts";
import { interpolated } from "./interpolation.ts";
import { parameterValues, withParameters } from "./parameters.ts";
import { environmentSchema, type Step } from "./step-schema.ts";
import { expandSteps, type StepContext } from "./steps.ts";
import { mapAt, textOf, type Yaml, type YamlMap } from "./yaml.ts";

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

export interface JobContext extends StepContext {
  jobs: YamlMap;
  executors: YamlMap;
}

/**
 * A job of the config with the parameters that a workflow gives it.
 *
 * @throws ConfigError for whatever the stand-in does not run
 */
export function compileJob(name: string, given: YamlMap, context: JobContext): CompiledJob {
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
function executionOf(place: string, executor: Yaml, context: JobContext): YamlMap {
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
