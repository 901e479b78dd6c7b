import {
  circleConfigSchema,
  isNative,
  type CircleConfig,
  type Invocation,
  type ParameterDeclarations,
  type Step,
  type Workflow,
} from "./schema.ts";

/** What is wrong with a configuration: its form, or that it refers to what is not there. */
export function configurationProblems(configuration: unknown): string[] {
  const parsed = circleConfigSchema.safeParse(configuration);
  if (parsed.success) return referenceProblems(parsed.data);
  return parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
}

function referenceProblems(config: CircleConfig): string[] {
  const { commands = {}, jobs, workflows, parameters = {}, setup = false } = config;
  return [
    ...undeclaredParameters("", config, "pipeline.parameters", parameters),
    ...Object.entries(commands).flatMap(([name, command]) => [
      ...undeclaredParameters(`commands.${name}`, command.steps, "parameters", command.parameters),
      ...stepProblems(`commands.${name}.steps`, command.steps, config),
    ]),
    ...Object.entries(jobs).flatMap(([name, job]) => [
      ...undeclaredParameters(`jobs.${name}`, job, "parameters", job.parameters),
      ...executorProblems(`jobs.${name}.executor`, job.executor, config),
      ...stepProblems(`jobs.${name}.steps`, job.steps, config),
    ]),
    ...Object.entries(workflows).flatMap(([name, workflow]) => workflowProblems(`workflows.${name}`, workflow, config)),
    // A setup workflow may be one of several only if conditions choose it.
    ...(setup && Object.keys(workflows).length > 1 ? ["workflows: a setup configuration runs one workflow"] : []),
  ];
}

function executorProblems(location: string, executor: string, { executors }: CircleConfig): string[] {
  return executor.includes("<<") || Object.hasOwn(executors, executor)
    ? []
    : [`${location}: there is no executor ${JSON.stringify(executor)}`];
}

function stepProblems(location: string, steps: readonly Step[], config: CircleConfig): string[] {
  return steps.flatMap((step, index) => {
    const at = `${location}.${index}`;
    const [key = "", settings = {}] = typeof step === "string" ? [step] : (Object.entries(step)[0] ?? []);
    if (isNative(key)) return [];
    if (typeof step === "object" && "when" in step && "steps" in step.when && Array.isArray(step.when.steps))
      return stepProblems(`${at}.when.steps`, step.when.steps, config);
    const command = Object.hasOwn(config.commands ?? {}, key) ? config.commands?.[key] : undefined;
    if (command === undefined) return [`${at}: there is no step or command ${JSON.stringify(key)}`];
    return argumentProblems(`${at}.${key}`, settings, command.parameters, config.executors);
  });
}

function workflowProblems(location: string, { jobs: calls }: Workflow, config: CircleConfig): string[] {
  const named = calls.map((call): readonly [job: string, Invocation] =>
    typeof call === "string" ? [call, {}] : (Object.entries(call)[0] ?? ["", {}]),
  );
  const names = named.map(([job, { name = job }]) => name);
  const waiting = new Map(named.map(([job, { name = job, requires = [] }]) => [name, requires.flatMap(requiredNames)]));
  return named.flatMap(([job, invocation], index) => {
    const { name = job, type, requires = [], context: _context, filters: _filters, ...given } = invocation;
    const at = `${location}.jobs.${name}`;
    const definition = Object.hasOwn(config.jobs, job) ? config.jobs[job] : undefined;
    const unknown = requires.flatMap(requiredNames).filter((required) => !names.includes(required));
    return [
      ...(names.indexOf(name) === index ? [] : [`${at}: another job has that name`]),
      ...unknown.map((required) => `${at}.requires: there is no job ${JSON.stringify(required)} in the workflow`),
      ...(circular(name, waiting) ? [`${at}.requires: goes in a circle`] : []),
      ...(type === "approval" && definition !== undefined ? [`${at}: an approval must not be named like a job`] : []),
      ...(type !== "approval" && definition === undefined ? [`${at}: there is no job ${JSON.stringify(job)}`] : []),
      ...argumentProblems(at, given, definition?.parameters, config.executors),
    ];
  });
}

function requiredNames(requirement: string | Readonly<Record<string, unknown>>): string[] {
  return typeof requirement === "string" ? [requirement] : Object.keys(requirement);
}

function circular(name: string, waiting: ReadonlyMap<string, readonly string[]>): boolean {
  const reached = new Set<string>();
  const open = [...(waiting.get(name) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === name) return true;
    if (reached.has(next)) continue;
    reached.add(next);
    open.push(...(waiting.get(next) ?? []));
  }
  return false;
}

type Declaration = ParameterDeclarations[string];

/** What is wrong with the values that are given for parameters. */
function argumentProblems(
  location: string,
  given: object,
  declared: ParameterDeclarations = {},
  executors: Readonly<Record<string, unknown>>,
): string[] {
  const values = new Map<string, unknown>(Object.entries(given));
  return [
    ...[...values.keys()]
      .filter((name) => !Object.hasOwn(declared, name))
      .map((name) => `${location}.${name}: there is no such parameter`),
    ...Object.entries(declared).flatMap(([name, declaration]) => {
      const value = values.get(name) ?? declaration.default;
      if (value === undefined) return [`${location}.${name}: is missing`];
      const problem = valueProblem(value, declaration, executors);
      return problem === undefined ? [] : [`${location}.${name}: ${problem}`];
    }),
  ];
}

function valueProblem(
  value: unknown,
  declaration: Declaration,
  executors: Readonly<Record<string, unknown>>,
): string | undefined {
  // What a parameter stands for is checked where that is given.
  if (typeof value === "string" && value.includes("<<")) return undefined;
  if (declaration.type === "executor")
    return typeof value === "string" && Object.hasOwn(executors, value) ? undefined : "there is no such executor";
  if (declaration.type === "enum")
    return declaration.enum.includes(String(value)) ? undefined : `must be one of ${declaration.enum.join(", ")}`;
  const type = declaration.type === "integer" ? "number" : declaration.type;
  return typeof value === type ? undefined : `must be of type ${declaration.type}`;
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
): string[] {
  const used = JSON.stringify(value).matchAll(/<<\s*([\w.-]+)\s*>>/g);
  const names = [...used].flatMap(([, name = ""]) =>
    name.startsWith(`${prefix}.`) ? [name.slice(prefix.length + 1)] : [],
  );
  return [...new Set(names)]
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => `${location === "" ? "" : `${location}: `}<< ${prefix}.${name} >> is not declared`);
}
