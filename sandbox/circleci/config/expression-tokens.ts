import { ConfigError } from "./config-error.ts";

export type Token =
  | { kind: "literal"; value: string | number | boolean | null }
  | { kind: "pattern"; value: string }
  | { kind: "name"; value: string }
  | { kind: "operator"; value: string };

const operators = new Set(["and", "or", "not", "starts-with", "matches"]);
const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

const form =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<pattern>\/(?:[^/\\]|\\.)+\/)|(?<number>-?\d+(?:\.\d+)?)|(?<symbol>==|!=|>=|<=|>|<|\(|\))|(?<word>[A-Za-z][\w.-]*))/y;

/** The parts of an expression. @throws ConfigError at what is none */
export function tokensOf(place: string, expression: string): Token[] {
  const end = expression.trimEnd().length;
  const next = (from: number): Token[] => {
    if (from >= end) return [];
    form.lastIndex = from;
    const match = form.exec(expression);
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
