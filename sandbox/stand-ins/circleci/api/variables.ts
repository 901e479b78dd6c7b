import type { Variable } from "../state.ts";
import { badRequest } from "./request.ts";

/**
 * Limits of names and values.
 * @throws ApiError
 * Source: https://circleci.com/docs/contexts/ (environment variable validation).
 */
export function assertVariable(name: string, value: string): void {
  if (name.length > 300) throw badRequest("Environment variable name must be 300 characters or less.");
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw badRequest(
      "Environment variable name must begin with a letter or underscore and hold only letters, digits and underscores.",
    );
  }
  if (value.length > 32_000) throw badRequest("Environment variable value must be 32k characters or less.");
}

/** Creates or overwrites; the time of creation stays. */
export function putVariable(variables: Variable[], name: string, value: string): Variable {
  const now = new Date().toISOString();
  const known = variables.find((variable) => variable.name === name);
  if (known !== undefined) {
    known.value = value;
    known.updatedAt = now;
    return known;
  }
  const added: Variable = { name, value, createdAt: now, updatedAt: now };
  variables.push(added);
  return added;
}

/**
 * Four x and the last four characters.
 * Source: https://circleci.com/docs/api/v2/ (listEnvVars). Shorter values show fewer, so that it is never more than half of one.
 */
export function masked(value: string): string {
  return `xxxx${value.slice(value.length - Math.min(4, Math.floor(value.length / 2)))}`;
}
