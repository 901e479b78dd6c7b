import { stringify } from "yaml";
import type { CircleConfig, Invocation, Job, Step, Workflow } from "./schema.ts";

/**
 * The most bytes that a configuration may have once CircleCI has compiled it, which writes every job of every workflow out with
 * all that it calls. Nothing is said of how many jobs a workflow may have.
 * Source: https://support.circleci.com/hc/en-us/articles/360045043634
 */
const compiledLimit = 8_000_000;

/** The most bytes that a variable of the environment may have: what Linux takes for one string (MAX_ARG_STRLEN). */
const variableLimit = 128 * 1024;

/** CircleCI's writer is another one, and pipeline values are filled in: what is counted here is some percent off. */
const margin = 0.75;

/** Whether CircleCI and the jobs' shells take a configuration, for all that its size says. */
export function isWithinLimits(configuration: CircleConfig): boolean {
  return (
    compiledSize(configuration) <= compiledLimit * margin && longestArgument(configuration) <= variableLimit * margin
  );
}

/** How many bytes a configuration has once it is compiled, about. Conditions leave one of its workflows, here the largest. */
export function compiledSize(configuration: CircleConfig): number {
  const templates = new Map(
    Object.entries(configuration.jobs).map(([name, job]) => [name, templateOf(expanded(configuration, job))]),
  );
  const sizes = Object.values(configuration.workflows).map((workflow) =>
    invocations(workflow).reduce(
      // Without its quotes and brackets JSON is as long as YAML without its indentation.
      (size, { job, settings }) => size + filledLength(templates.get(job), settings) + bytes(JSON.stringify(settings)),
      0,
    ),
  );
  return Math.max(0, ...sizes);
}

/** The bytes of the longest value that a job is given, which may become a variable of its environment. */
function longestArgument({ workflows }: CircleConfig): number {
  const values = Object.values(workflows)
    .flatMap(invocations)
    .flatMap(({ settings }) => Object.values(settings));
  return values.reduce<number>((longest, value) => Math.max(longest, typeof value === "string" ? bytes(value) : 0), 0);
}

/** The jobs that a workflow calls. */
function invocations({ jobs }: Workflow): { readonly job: string; readonly settings: Invocation }[] {
  return jobs.flatMap((call) =>
    typeof call === "string"
      ? [{ job: call, settings: {} }]
      : Object.entries(call).map(([job, settings]) => ({ job, settings })),
  );
}

/** A job with its executor and its commands written out. */
function expanded({ commands = {}, executors }: CircleConfig, job: Job): object {
  const written = (steps: readonly Step[]): unknown[] =>
    steps.flatMap((step) => {
      const [[name, settings] = ["", {}]]: [string, unknown][] =
        typeof step === "string" ? [[step, {}]] : Object.entries(step);
      if (name === "when" || name === "unless") return written(Object(settings).steps);
      return commands[name] === undefined ? [step] : written(commands[name].steps);
    });
  return { ...executors[job.executor], environment: job.environment, steps: written(job.steps) };
}

/** What is written once for each call of a job. */
interface Template {
  readonly bytes: number;
  /** The parameters that are filled in, as often as they are, and how long each is written. */
  readonly parameters: readonly { readonly name: string; readonly bytes: number }[];
}

function templateOf(job: object): Template {
  const text = stringify(job);
  const parameters = [...text.matchAll(/<<\s*parameters\.([\w-]+)\s*>>/g)].map(([whole, name = ""]) => ({
    name,
    bytes: bytes(whole),
  }));
  return { bytes: bytes(text), parameters };
}

/** The bytes of a template with its parameters filled in. */
function filledLength(template: Template | undefined, settings: Invocation): number {
  const values: Readonly<Record<string, unknown>> = settings;
  return (template?.parameters ?? []).reduce((size, { name, bytes: written }) => {
    const value = values[name];
    return value === undefined
      ? size
      : size - written + bytes(typeof value === "string" ? value : JSON.stringify(value));
  }, template?.bytes ?? 0);
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
