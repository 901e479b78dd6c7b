import { ConfigError } from "./config-error.ts";
import { evaluate, matchesWhole, type Lookup } from "./expression.ts";
import { interpolated } from "./interpolation.ts";
import { isTruthy, listAt, mapAt, textOf, type Yaml } from "./yaml.ts";

/** Whether a condition of a workflow or a job's filter holds: an expression, or a logic statement. */
export function conditionHolds(place: string, condition: Yaml, lookup: Lookup): boolean {
  if (typeof condition === "string" && !condition.includes("<<")) return isTruthy(evaluate(place, condition, lookup));
  return statementHolds(place, interpolated(place, condition, lookup));
}

/**
 * Whether a logic statement holds whose values are filled in.
 * Source: https://circleci.com/docs/configuration-reference/#logic-statements
 */
export function statementHolds(place: string, statement: Yaml): boolean {
  if (typeof statement !== "object" || statement === null) return isTruthy(statement);
  const entries = Object.entries(mapAt(place, statement));
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    throw new ConfigError(place, "must be one of and, or, not, equal, matches");
  const [operator, operand] = entry;
  const at = `${place}.${operator}`;
  if (operator === "not") return !statementHolds(at, operand);
  if (operator === "and") return argumentsOf(at, operand).every((item) => statementHolds(at, item));
  if (operator === "or") return argumentsOf(at, operand).some((item) => statementHolds(at, item));
  if (operator === "equal") {
    const [first, ...others] = argumentsOf(at, operand).map((item) => JSON.stringify(item));
    return others.every((other) => other === first);
  }
  if (operator === "matches") {
    const { pattern, value, ...rest } = mapAt(at, operand);
    if (typeof pattern !== "string" || Object.keys(rest).length > 0)
      throw new ConfigError(at, "must have a pattern and a value, and nothing else");
    return matchesWhole(pattern, textOf(value));
  }
  throw new ConfigError(place, `must be one of and, or, not, equal, matches, not ${JSON.stringify(operator)}`);
}

function argumentsOf(place: string, value: Yaml): Yaml[] {
  const list = listAt(place, value);
  if (list.length === 0) throw new ConfigError(place, "must not be empty");
  return list;
}
