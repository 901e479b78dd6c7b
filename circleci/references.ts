import type { Problem } from "../core/problem.ts";
import { expressionsIn, namesIn } from "./expression.ts";
import { argumentProblems, valueProblem, type ParameterDeclarations } from "./parameters.ts";
import {
  circleConfigSchema,
  isNativeStep,
  type CircleConfig,
  type Invocation,
  type Step,
  type Workflow,
} from "./schema.ts";

/** What is wrong with a configuration: its form, or that it refers to what is not there. */
export function configurationProblems(configuration: unknown): string[] {
  const parsed = circleConfigSchema.safeParse(configuration);
  const problems = parsed.success
    ? referenceProblems(parsed.data)
    : parsed.error.issues.map(({ path, message }) => ({ location: path.join("."), message }));
  return problems.map(({ location, message }) => (location === "" ? message : `${location}: ${message}`));
}

/** In CircleCI's words. @returns `undefined`: it is there */
export function definitionProblem(
  kind: "job" | "executor" | "command",
  name: string,
  definitions: object,
): string | undefined {
  return Object.hasOwn(definitions, name) ? undefined : `Cannot find a definition for ${kind} named ${name}`;
}

/** A setup configuration may have several workflows only if conditions choose one of them. */
export function setupProblem(workflows: number): string | undefined {
  return workflows > 1 ? "a setup config must run one workflow only" : undefined;
}

/** A job of a workflow, and the names of those that it waits for. */
interface WaitingJob {
  readonly name: string;
  readonly requires: readonly string[];
}

/** What keeps jobs of a workflow from ever starting: names that two of them have, that none has, and circles. */
export function requirementProblems(location: string, jobs: readonly WaitingJob[]): Problem[] {
  const byName = Map.groupBy(jobs, ({ name }) => name);
  const repeated = [...byName].filter(([, twins]) => twins.length > 1).map(([name]) => name);
  return [
    ...repeated.map((name) => ({
      location: `${location}.jobs`,
      message: `two jobs are called ${JSON.stringify(name)}: give one another name`,
    })),
    ...jobs.flatMap(({ name, requires }) =>
      requires
        .filter((required) => !byName.has(required))
        .map((required) => ({
          location,
          // The words of CircleCI's validation.
          message: `Job '${name}' requires '${required}', which is the name of 0 other jobs in the workflow`,
        })),
    ),
    ...circles(jobs).map((circle) => ({ location, message: `jobs require each other: ${circle.join(" → ")}` })),
  ];
}

function circles(jobs: readonly WaitingJob[]): string[][] {
  const requiredBy = new Map(jobs.map(({ name, requires }) => [name, requires]));
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[][] => {
    if (path.includes(name)) return [[...path.slice(path.indexOf(name)), name]];
    if (done.has(name)) return [];
    const found = (requiredBy.get(name) ?? []).flatMap((required) => visit(required, [...path, name]));
    done.add(name);
    return found;
  };
  return jobs.flatMap(({ name }) => visit(name, []));
}

function referenceProblems(config: CircleConfig): Problem[] {
  const { commands = {}, jobs, workflows, parameters = {}, setup = false } = config;
  return [
    ...undeclaredParameters("", config, "pipeline.parameters", parameters),
    ...Object.entries(commands).flatMap(([name, command]) => [
      ...undeclaredParameters(`commands.${name}`, command.steps, "parameters", command.parameters),
      ...stepProblems(`commands.${name}.steps`, command.steps, config),
    ]),
    ...Object.entries(jobs).flatMap(([name, job]) => [
      ...undeclaredParameters(`jobs.${name}`, job, "parameters", job.parameters),
      ...problemAt(
        `jobs.${name}.executor`,
        isFilledInLater(job.executor) ? undefined : definitionProblem("executor", job.executor, config.executors),
      ),
      ...stepProblems(`jobs.${name}.steps`, job.steps, config),
    ]),
    ...Object.entries(workflows).flatMap(([name, workflow]) => workflowProblems(`workflows.${name}`, workflow, config)),
    ...problemAt("workflows", setup ? setupProblem(Object.keys(workflows).length) : undefined),
  ];
}

function stepProblems(location: string, steps: readonly Step[], config: CircleConfig): Problem[] {
  return steps.flatMap((step, index) => {
    const at = `${location}.${index}`;
    const [key = "", settings = {}] = typeof step === "string" ? [step] : (Object.entries(step)[0] ?? []);
    if (isNativeStep(key)) return [];
    if (key === "when" || key === "unless")
      // The schema has found steps there.
      return stepProblems(`${at}.${key}.steps`, (settings as { steps: Step[] }).steps, config);
    const { commands = {} } = config;
    const missing = definitionProblem("command", key, commands);
    return missing === undefined
      ? valueProblems(`${at}.${key}`, settings, commands[key]?.parameters, config)
      : problemAt(at, missing);
  });
}

function workflowProblems(location: string, { jobs: calls }: Workflow, config: CircleConfig): Problem[] {
  const invocations = calls.map((call): readonly [job: string, Invocation] =>
    typeof call === "string" ? [call, {}] : (Object.entries(call)[0] ?? ["", {}]),
  );
  const jobs = invocations.map(([job, { name = job, requires = [] }]) => ({
    name,
    requires: requires.flatMap((required) => (typeof required === "string" ? required : Object.keys(required))),
  }));
  return [
    ...requirementProblems(location, jobs),
    ...invocations.flatMap(([job, invocation]) => {
      const { name = job, type, requires: _requires, context: _context, filters: _filters, ...given } = invocation;
      const at = `${location}.jobs.${name}`;
      const missing = definitionProblem("job", job, config.jobs);
      if (type !== "approval" && missing !== undefined) return problemAt(at, missing);
      return [
        ...problemAt(
          at,
          type === "approval" && missing === undefined ? "an approval must not be named like a job" : undefined,
        ),
        ...valueProblems(at, given, missing === undefined ? config.jobs[job]?.parameters : undefined, config),
      ];
    }),
  ];
}

/** What is wrong with the values that are given for the parameters of a job or a command. */
function valueProblems(
  location: string,
  settings: object,
  declared: ParameterDeclarations = {},
  { executors }: CircleConfig,
): Problem[] {
  const given: Readonly<Record<string, unknown>> = { ...settings };
  return [
    ...argumentProblems(given, declared).map((message) => ({ location, message })),
    ...Object.entries(declared).flatMap(([name, declaration]) => {
      const value = given[name] ?? declaration.default;
      if (value === undefined || isFilledInLater(value)) return [];
      const problem =
        declaration.type === "executor"
          ? definitionProblem("executor", typeof value === "string" ? value : JSON.stringify(value), executors)
          : valueProblem(declaration, value);
      return problemAt(`${location}.${name}`, problem);
    }),
  ];
}

/** What `<< … >>` stand for is checked where that is given. */
function isFilledInLater(value: unknown): boolean {
  return typeof value === "string" && value.includes("<<");
}

function problemAt(location: string, message: string | undefined): Problem[] {
  return message === undefined ? [] : [{ location, message }];
}

/**
 * The `<< … >>` that stand for nothing.
 * @param prefix `parameters`, or `pipeline.parameters`
 */
function undeclaredParameters(
  location: string,
  value: unknown,
  prefix: string,
  declared: ParameterDeclarations = {},
): Problem[] {
  const used = expressionsIn(value)
    .flatMap(namesIn)
    .flatMap((name) => (name.startsWith(`${prefix}.`) ? [name.slice(prefix.length + 1)] : []));
  return [...new Set(used)]
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => ({ location, message: `<< ${prefix}.${name} >> is not declared` }));
}
