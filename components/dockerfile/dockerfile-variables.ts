import { expandWord, splitWords } from "./dockerfile-words.ts";

/** The variables of a stage. */
export interface StageVariables {
  /** By ENV: what the image has of them. */
  readonly env: Map<string, string>;
  /** What its instructions see: the environment and build arguments, of which the one that was set last counts. */
  readonly variables: Map<string, string>;
}

/** All comes along with the stage that another begins with: its build arguments, and before these its environment. */
export function inheritedVariables(base?: StageVariables): StageVariables {
  return {
    env: new Map(base?.env),
    variables: new Map([...(base?.variables ?? []), ...(base?.env ?? [])]),
  };
}

interface Surrounding {
  /** What is declared before the first stage. */
  readonly globals?: ReadonlyMap<string, string>;
  /** What the build gives. */
  readonly given?: ReadonlyMap<string, string>;
  /** What stands for a variable without a value. @default nothing */
  readonly unknown?: string;
}

/**
 * Adds what an ARG declares, `name=value` or `name`: the latter has the value of the global one, unless the build gives one.
 * A default may be made of what was declared before.
 */
export function declareArguments(
  rest: string,
  variables: Map<string, string>,
  { globals, given, unknown }: Surrounding = {},
): void {
  for (const word of splitWords(rest)) {
    const [name, preset] = assignment(word);
    const value =
      given?.get(name) ?? (preset === undefined ? globals?.get(name) : expanded(preset, variables, unknown));
    if (value !== undefined) variables.set(name, value);
  }
}

/** Adds what an ENV sets, `name=value …` or `name value`. All values of one instruction see the environment before it. */
export function setEnvironment(rest: string, { env, variables }: StageVariables, unknown?: string): void {
  const words = splitWords(rest);
  const [first = ""] = words;
  const pairs = first.includes("=") ? words.map(assignment) : [[first, rest.slice(first.length).trim()] as const];
  for (const [name, value] of pairs.map(([key, word = ""]) => [key, expanded(word, variables, unknown)] as const)) {
    env.set(name, value);
    variables.set(name, value);
  }
}

function expanded(word: string, variables: ReadonlyMap<string, string>, unknown?: string): string {
  return expandWord(word, (name) => variables.get(name), unknown);
}

function assignment(word: string): [name: string, value: string | undefined] {
  const index = word.indexOf("=");
  return index === -1 ? [word, undefined] : [word.slice(0, index), word.slice(index + 1)];
}
