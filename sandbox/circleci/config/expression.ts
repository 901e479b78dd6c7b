import { ConfigError } from "./config-error.ts";
import { tokensOf, type Token } from "./expression-tokens.ts";
import { isTruthy, type Yaml } from "./yaml.ts";

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
