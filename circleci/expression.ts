import { z } from "zod";
import { PatternError, wholePattern } from "./pattern.ts";
import { ConfigError, isTruthy, listAt, mapAt, textOf, type Scalar, type Yaml } from "./yaml.ts";

/** The value of a name such as `pipeline.git.branch`; `undefined`: there is no such name. */
export type Lookup = (name: string) => Yaml;

/** A condition, decided when the configuration is compiled. A string is a value, e.g. of a parameter; empty is false. */
export type Logic =
  | string
  | number
  | boolean
  | { and: Logic[] }
  | { or: Logic[] }
  | { not: Logic }
  | { equal: (string | number | boolean)[] }
  | { matches: { pattern: string; value: string } };

/**
 * A logic statement as it is written; once its `<< … >>` are filled in, `null` and lists may be in it, too.
 * Source: https://circleci.com/docs/reference/configuration-reference/#logic-statements
 */
export const logicSchema: z.ZodType<Logic> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.strictObject({ and: z.array(logicSchema).min(1) }),
    z.strictObject({ or: z.array(logicSchema).min(1) }),
    z.strictObject({ not: logicSchema }),
    z.strictObject({ equal: z.array(z.union([z.string(), z.number(), z.boolean()])).min(2) }),
    z.strictObject({ matches: z.strictObject({ pattern: z.string(), value: z.string() }) }),
  ]),
);

/** Whether a condition of a workflow or a job's filter holds: an expression, or a logic statement. @throws ConfigError */
export function conditionHolds(location: string, condition: Yaml, lookup: Lookup): boolean {
  if (typeof condition === "string" && !condition.includes("<<"))
    return isTruthy(evaluate(location, condition, lookup));
  return statementHolds(location, interpolated(location, condition, lookup));
}

/** Whether a logic statement holds whose values are filled in. @throws ConfigError when it is none */
export function statementHolds(location: string, statement: Yaml): boolean {
  if (typeof statement !== "object" || statement === null) return isTruthy(statement);
  const entries = Object.entries(mapAt(location, statement));
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    throw new ConfigError(location, "must be one of and, or, not, equal, matches");
  const [operator, operand] = entry;
  const at = `${location}.${operator}`;
  if (operator === "not") return !statementHolds(at, operand);
  if (operator === "and") return operandsOf(at, operand).every((item) => statementHolds(at, item));
  if (operator === "or") return operandsOf(at, operand).some((item) => statementHolds(at, item));
  if (operator === "equal") {
    const [first, ...others] = operandsOf(at, operand).map((item) => JSON.stringify(item));
    return others.every((other) => other === first);
  }
  if (operator === "matches") {
    const { pattern, value, ...rest } = mapAt(at, operand);
    if (typeof pattern !== "string" || Object.keys(rest).length > 0)
      throw new ConfigError(at, "must have a pattern and a value, and nothing else");
    return matchesWhole(at, pattern, textOf(value));
  }
  throw new ConfigError(location, `must be one of and, or, not, equal, matches, not ${JSON.stringify(operator)}`);
}

function operandsOf(location: string, value: Yaml): Yaml[] {
  const list = listAt(location, value);
  if (list.length === 0) throw new ConfigError(location, "must not be empty");
  return list;
}

/** CircleCI's patterns match the whole text. @throws ConfigError for one that is none */
export function matchesWhole(location: string, pattern: string, text: string): boolean {
  try {
    return wholePattern(pattern)(text);
  } catch (error) {
    throw error instanceof PatternError ? new ConfigError(location, error.message) : error;
  }
}

/**
 * `<< expression >>`, or an escaped `\<<`. At each character only one of the alternatives can hold, and the length is bounded:
 * otherwise a text with many quotes and no end would be read in every possible way.
 */
const interpolationPattern =
  /\\<<|<<(?<expression>(?:"(?:[^"\\]|\\.){0,1000}"|"(?!(?:[^"\\]|\\.){0,1000}")|(?!>>)[^\n"]){0,1000}?)>>/g;

/**
 * A tree with all `<< … >>` replaced. A text that is nothing but one such marker becomes its value, whatever its type;
 * within a text, a value that is not set becomes nothing.
 *
 * @throws ConfigError
 */
export function interpolated(location: string, value: Yaml, lookup: Lookup): Yaml {
  if (typeof value === "string") return interpolatedText(location, value, lookup);
  if (Array.isArray(value)) return value.map((item, index) => interpolated(`${location}.${index}`, item, lookup));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, interpolated(`${location}.${key}`, member, lookup)]),
  );
}

function interpolatedText(location: string, text: string, lookup: Lookup): Yaml {
  const matches = [...text.matchAll(interpolationPattern)];
  const [only] = matches;
  const expression = only?.groups?.["expression"];
  if (expression !== undefined && only?.[0] === text.trim()) return evaluate(location, expression, lookup);
  return text.replaceAll(interpolationPattern, (found: string, inner: string | undefined) => {
    if (inner === undefined) return "<<";
    const value = evaluate(location, inner, lookup);
    if (typeof value === "object" && value !== null)
      throw new ConfigError(location, `${found} is no text: it can only stand alone`);
    return textOf(value);
  });
}

/** The expressions in all `<< … >>` of a tree. */
export function expressionsIn(value: unknown): string[] {
  if (typeof value === "string")
    return [...value.matchAll(interpolationPattern)].flatMap(({ groups }) => groups?.["expression"] ?? []);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(expressionsIn) : [];
}

/** The names whose values an expression takes; of one that cannot be read, those before the fault. */
export function namesIn(expression: string): string[] {
  return readTokens(expression).tokens.flatMap((token) => (token.kind === "name" ? [token.value] : []));
}

/**
 * The value of an expression.
 * Source: https://circleci.com/docs/configuration-reference/#using-expressions-in-your-configuration
 *
 * @throws ConfigError when it cannot be read, or names what there is not
 */
export function evaluate(location: string, expression: string, lookup: Lookup): Yaml {
  const { tokens, unread } = readTokens(expression);
  if (unread !== "")
    throw new ConfigError(
      location,
      `${JSON.stringify(expression)} is no expression, from ${JSON.stringify(unread.slice(0, 20))} on`,
    );
  const { value, rest } = new Evaluator(location, expression, lookup).disjunction(tokens);
  if (rest.length > 0) throw new ConfigError(location, `${JSON.stringify(expression)} goes on after its end`);
  return value;
}

/** A value, and what comes after the tokens that it took. */
interface Evaluated {
  value: Yaml;
  rest: readonly Token[];
}

/** Parses and calculates in one go: expressions have no effects, so a branch that does not count may be calculated, too. */
class Evaluator {
  readonly #location: string;
  readonly #expression: string;
  readonly #lookup: Lookup;

  constructor(location: string, expression: string, lookup: Lookup) {
    this.#location = location;
    this.#expression = expression;
    this.#lookup = lookup;
  }

  disjunction(tokens: readonly Token[]): Evaluated {
    const left = this.#conjunction(tokens);
    if (!isOperator(left.rest[0], "or")) return left;
    const right = this.disjunction(left.rest.slice(1));
    return isTruthy(left.value) ? { ...right, value: left.value } : right;
  }

  #conjunction(tokens: readonly Token[]): Evaluated {
    const left = this.#comparison(tokens);
    if (!isOperator(left.rest[0], "and")) return left;
    const right = this.#conjunction(left.rest.slice(1));
    return isTruthy(left.value) ? right : { ...right, value: left.value };
  }

  #comparison(tokens: readonly Token[]): Evaluated {
    const left = this.#operand(tokens);
    const [operator, ...after] = left.rest;
    if (operator?.kind !== "operator" || ["and", "or", "not", "(", ")"].includes(operator.value)) return left;
    const right = this.#operand(after);
    return { value: this.#compare(operator.value, left.value, right.value), rest: right.rest };
  }

  #operand(tokens: readonly Token[]): Evaluated {
    const [token, ...rest] = tokens;
    if (token?.kind === "literal" || token?.kind === "pattern") return { value: token.value, rest };
    if (token?.kind === "name") return { value: this.#valueOf(token.value), rest };
    if (isOperator(token, "not")) {
      const { value, rest: after } = this.#operand(rest);
      return { value: !isTruthy(value), rest: after };
    }
    if (isOperator(token, "(")) {
      const inner = this.disjunction(rest);
      if (isOperator(inner.rest[0], ")")) return { value: inner.value, rest: inner.rest.slice(1) };
    }
    throw new ConfigError(this.#location, `${JSON.stringify(this.#expression)} is no complete expression`);
  }

  #valueOf(name: string): Yaml {
    const value = this.#lookup(name);
    if (value === undefined) throw new ConfigError(this.#location, `there is no value ${JSON.stringify(name)}`);
    return value;
  }

  #compare(operator: string, left: Yaml, right: Yaml): boolean {
    if (operator === "==") return left === right;
    if (operator === "!=") return left !== right;
    if (operator === "starts-with") return this.#text(left).startsWith(this.#text(right));
    if (operator === "matches") return matchesWhole(this.#location, this.#text(right), this.#text(left));
    if (typeof left !== "number" || typeof right !== "number")
      throw new ConfigError(this.#location, `${operator} compares numbers only`);
    return { ">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right }[operator] ?? false;
  }

  /** A value that is not set compares as an empty text: a pipeline for a tag has no branch. */
  #text(value: Yaml): string {
    if (value === null) return "";
    if (typeof value === "string") return value;
    throw new ConfigError(
      this.#location,
      `${JSON.stringify(this.#expression)} needs a text instead of ${JSON.stringify(value)}`,
    );
  }
}

type Token = { kind: "literal"; value: Scalar } | { kind: "pattern" | "name" | "operator"; value: string };

function isOperator(token: Token | undefined, value: string): boolean {
  return token?.kind === "operator" && token.value === value;
}

const operators = new Set(["and", "or", "not", "starts-with", "matches"]);
const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

const tokenPattern =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<pattern>\/(?:[^/\\]|\\.)+\/)|(?<number>-?\d+(?:\.\d+)?)|(?<symbol>==|!=|>=|<=|>|<|\(|\))|(?<word>[A-Za-z][\w.-]*))/y;

/** The parts of an expression, and what follows them that is none. */
function readTokens(expression: string): { tokens: Token[]; unread: string } {
  const text = expression.trimEnd();
  const tokens: Token[] = [];
  for (let from = 0; from < text.length;) {
    tokenPattern.lastIndex = from;
    const match = tokenPattern.exec(text);
    if (match === null) return { tokens, unread: expression.slice(from) };
    tokens.push(tokenOf(match.groups ?? {}));
    from += match[0].length;
  }
  return { tokens, unread: "" };
}

function tokenOf({ text, pattern, number, symbol, word = "" }: Record<string, string | undefined>): Token {
  if (text !== undefined) return { kind: "literal", value: text.slice(1, -1).replaceAll(/\\(.)/g, "$1") };
  if (pattern !== undefined) return { kind: "pattern", value: pattern.slice(1, -1) };
  if (number !== undefined) return { kind: "literal", value: Number(number) };
  if (symbol !== undefined) return { kind: "operator", value: symbol };
  if (operators.has(word)) return { kind: "operator", value: word };
  const constant = constants[word];
  return constant === undefined ? { kind: "name", value: word } : { kind: "literal", value: constant };
}
