import { ConfigError, isTruthy, listAt, mapAt, textOf, type Yaml } from "./yaml.ts";

/** The value of a name such as `pipeline.git.branch`; `undefined`: there is no such name. */
export type Lookup = (name: string) => Yaml;

type Parsed = { value: Yaml; rest: readonly Token[] };

/**
 * The value of an expression.
 * Source: https://circleci.com/docs/configuration-reference/#using-expressions-in-your-configuration
 *
 * @throws ConfigError when it cannot be read, or names what there is not
 */
export function evaluate(place: string, expression: string, lookup: Lookup): Yaml {
  const { value, rest } = new Reader(place, expression, lookup).disjunction(tokensOf(place, expression));
  if (rest.length > 0) throw new ConfigError(place, `${JSON.stringify(expression)} goes on after its end`);
  return value;
}

/** Reads and calculates in one go: expressions have no effects, so that a branch that does not count may be calculated, too. */
class Reader {
  readonly #place: string;
  readonly #expression: string;
  readonly #lookup: Lookup;

  constructor(place: string, expression: string, lookup: Lookup) {
    this.#place = place;
    this.#expression = expression;
    this.#lookup = lookup;
  }

  disjunction(tokens: readonly Token[]): Parsed {
    const left = this.#conjunction(tokens);
    if (!isOperator(left.rest[0], "or")) return left;
    const right = this.disjunction(left.rest.slice(1));
    return isTruthy(left.value) ? { ...right, value: left.value } : right;
  }

  #conjunction(tokens: readonly Token[]): Parsed {
    const left = this.#comparison(tokens);
    if (!isOperator(left.rest[0], "and")) return left;
    const right = this.#conjunction(left.rest.slice(1));
    return isTruthy(left.value) ? right : { ...right, value: left.value };
  }

  #comparison(tokens: readonly Token[]): Parsed {
    const left = this.#operand(tokens);
    const [operator, ...after] = left.rest;
    if (operator?.kind !== "operator" || ["and", "or", "not", "(", ")"].includes(operator.value)) return left;
    const right = this.#operand(after);
    return { value: this.#compare(operator.value, left.value, right.value), rest: right.rest };
  }

  #operand(tokens: readonly Token[]): Parsed {
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
    throw new ConfigError(this.#place, `${JSON.stringify(this.#expression)} is no complete expression`);
  }

  #valueOf(name: string): Yaml {
    const value = this.#lookup(name);
    if (value === undefined) throw new ConfigError(this.#place, `there is no value ${JSON.stringify(name)}`);
    return value;
  }

  #compare(operator: string, left: Yaml, right: Yaml): boolean {
    if (operator === "==") return left === right;
    if (operator === "!=") return left !== right;
    if (operator === "starts-with") return this.#text(left).startsWith(this.#text(right));
    if (operator === "matches") return matchesWhole(this.#text(right), this.#text(left));
    if (typeof left !== "number" || typeof right !== "number")
      throw new ConfigError(this.#place, `${operator} compares numbers only`);
    return { ">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right }[operator] ?? false;
  }

  /** A value that is not set compares as an empty text: a pipeline for a tag has no branch. */
  #text(value: Yaml): string {
    if (value === null) return "";
    if (typeof value === "string") return value;
    throw new ConfigError(
      this.#place,
      `${JSON.stringify(this.#expression)} needs a text instead of ${JSON.stringify(value)}`,
    );
  }
}

/** CircleCI's patterns match the whole text. */
export function matchesWhole(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${pattern})$`).test(text);
}

function isOperator(token: Token | undefined, value: string): boolean {
  return token?.kind === "operator" && token.value === value;
}

/** `<< expression >>`, or an escaped `\<<`. */
const interpolationPattern = /\\<<|<<(?<expression>(?:"(?:[^"\\]|\\.)*"|(?!>>)[^\n])*?)>>/g;

/**
 * A tree with all `<< … >>` replaced. A text that is nothing but one such marker becomes its value, whatever its type;
 * within a text, a value that is not set becomes nothing.
 */
export function interpolated(place: string, value: Yaml, lookup: Lookup): Yaml {
  if (typeof value === "string") return interpolatedText(place, value, lookup);
  if (Array.isArray(value)) return value.map((item, index) => interpolated(`${place}.${index}`, item, lookup));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, interpolated(`${place}.${key}`, member, lookup)]),
  );
}

function interpolatedText(place: string, text: string, lookup: Lookup): Yaml {
  const matches = [...text.matchAll(interpolationPattern)];
  const [only] = matches;
  const expression = only?.groups?.["expression"];
  if (expression !== undefined && only?.[0] === text.trim()) return evaluate(place, expression, lookup);
  return text.replaceAll(interpolationPattern, (found: string, inner: string | undefined) => {
    if (inner === undefined) return "<<";
    const value = evaluate(place, inner, lookup);
    if (typeof value === "object" && value !== null)
      throw new ConfigError(place, `${found} is no text: it can only stand alone`);
    return textOf(value);
  });
}

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

type Token =
  | { kind: "literal"; value: string | number | boolean | null }
  | { kind: "pattern"; value: string }
  | { kind: "name"; value: string }
  | { kind: "operator"; value: string };

const operators = new Set(["and", "or", "not", "starts-with", "matches"]);
const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

const tokenPattern =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<pattern>\/(?:[^/\\]|\\.)+\/)|(?<number>-?\d+(?:\.\d+)?)|(?<symbol>==|!=|>=|<=|>|<|\(|\))|(?<word>[A-Za-z][\w.-]*))/y;

/** The parts of an expression. @throws ConfigError at what is none */
function tokensOf(place: string, expression: string): Token[] {
  const end = expression.trimEnd().length;
  const next = (from: number): Token[] => {
    if (from >= end) return [];
    tokenPattern.lastIndex = from;
    const match = tokenPattern.exec(expression);
    if (match === null)
      throw new ConfigError(
        place,
        `${JSON.stringify(expression)} is no expression, from ${JSON.stringify(expression.slice(from, from + 20))} on`,
      );
    return [tokenOf(match.groups ?? {}), ...next(from + match[0].length)];
  };
  return next(0);
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
