import { evaluate } from "../../../../circleci/expression.ts";
import { ConfigError, isTruthy } from "../../../../circleci/yaml.ts";
import type { Context, Project, State } from "../state.ts";
import type { Job, Pipeline } from "./records.ts";

/** The variables with secrets that a job gets, or why it may not run. */
export type Authorization = { variables: Record<string, string> } | { refusal: string };

/**
 * What a job gets of the account's secrets: its project's variables, and those of its contexts if it may use them.
 * Source: https://circleci.com/docs/contexts/#restrict-a-context, https://circleci.com/docs/oss/ (secrets and forks)
 */
export function authorize(state: State, pipeline: Pipeline, job: Job): Authorization {
  const project = state.projects.find(({ id }) => id === pipeline.projectId);
  if (project === undefined) return { refusal: "The project has been deleted." };
  const withheld = pipeline.source.fork !== undefined && !project.settings.forks_receive_secret_env_vars;
  if (withheld)
    return job.contexts.length === 0
      ? { variables: {} }
      : { refusal: `Context ${job.contexts.join(", ")}: jobs of a fork's pull request get no secrets.` };
  const contexts = job.contexts.map((name) => ({
    name,
    found: state.contexts.find((one) => one.name === name && one.organizationId === project.organizationId),
  }));
  for (const { name, found } of contexts) {
    if (found === undefined) return { refusal: `Context ${name}: there is none of this name.` };
    const refusal = refusalOf(found, project, pipeline, job);
    if (refusal !== undefined) return { refusal: `Context ${name}: ${refusal}` };
  }
  const all = [project.variables, ...contexts.map(({ found }) => found?.variables ?? [])].flat();
  return { variables: Object.fromEntries(all.map(({ name, value }) => [name, value])) };
}

/** Of each kind of restriction one must hold, and every expression. */
function refusalOf({ restrictions }: Context, project: Project, pipeline: Pipeline, job: Job): string | undefined {
  const projects = restrictions.filter(({ type }) => type === "project");
  if (projects.length > 0 && !projects.some(({ value }) => value === project.id))
    return "it is restricted to other projects.";
  const groups = restrictions.filter(({ type }) => type === "group");
  if (groups.length > 0 && !groups.some(({ value }) => value === project.organizationId))
    return "it is restricted to other groups.";
  const failing = restrictions.find(({ type, value }) => type === "expression" && !holds(value, pipeline, job));
  return failing && `its expression ${failing.value} does not hold.`;
}

/**
 * Whether a context's expression holds for a job. Whatever cannot be evaluated does not: a name that there is not, a value that
 * the pipeline has not set, the pipeline's parameters, which who starts it chooses.
 * Source: https://circleci.com/docs/contexts/#expression-restrictions
 */
function holds(expression: string, { values }: Pipeline, { ssh = false }: Job): boolean {
  const lookup = (name: string): string | number | boolean => {
    const value = name === "job.ssh.enabled" ? ssh : valueOf(values, name);
    if (value === undefined || value === null) throw new ConfigError("restriction", `${name} has no value`);
    return value;
  };
  try {
    return isTruthy(evaluate("restriction", expression, lookup));
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

function valueOf(values: Pipeline["values"], name: string): Pipeline["values"][string] | undefined {
  if (!name.startsWith("pipeline.") || /^pipeline\.(parameters|trigger_parameters)\./.test(name)) return undefined;
  return values[name.slice("pipeline.".length)];
}
