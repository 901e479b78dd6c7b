import { parseArgs } from "node:util";
import { errorMessage } from "../core/error.ts";
import { pathProblem } from "../git/deploy-branch.ts";
import { commitSchema } from "../git/release-record.ts";

/** One option of a command. The parser and `--help` are both made from it. */
export interface Option {
  /** What `--help` says of it. It is wrapped there; line breaks in it do not count. */
  readonly help: string;
  /** What `--help` calls its value, e.g. `COMMIT`. @default it is a flag and has none */
  readonly value?: string;
  /** What a value means; throws a UsageError that names the option. @default the text as it is */
  readonly parse?: (text: string, option: string) => unknown;
  /** The text that counts where the option is not given. @default there is none */
  readonly default?: string;
  /** The default for people, where it is not one text. */
  readonly defaultText?: string;
  /** It must be given, and not be empty. @default false */
  readonly required?: true;
  /** It is given without its name, as the only one of its command. @default false */
  readonly positional?: true;
  /** It can be given several times. @default the last one counts */
  readonly multiple?: true;
}

/** The options of a command by name, in the order of `--help`. */
export type OptionTable = Readonly<Record<string, Option>>;

/** What a command line has said: for flags whether they are there, else the parsed values. */
export type OptionValues<Table extends OptionTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

type ValueOf<Given extends Option> = Given extends { readonly value: string }
  ? Given extends { readonly multiple: true }
    ? readonly ParsedBy<Given>[] | undefined
    : Given extends { readonly required: true } | { readonly default: string }
      ? ParsedBy<Given>
      : ParsedBy<Given> | undefined
  : boolean;

type ParsedBy<Given extends Option> = Given extends { readonly parse: (text: string, option: string) => infer Value }
  ? Value
  : string;

/** The command line itself is wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** @throws UsageError for unknown options, missing or impossible values, and stray arguments */
export function parseOptions<Table extends OptionTable>(args: readonly string[], table: Table): OptionValues<Table> {
  const given = readArguments(args, table);
  const values = Object.entries(table).map(([name, option]) => [name, valueOf(name, option, given[name])]);
  // OptionValues says of each option in types what valueOf does.
  return Object.fromEntries(values) as OptionValues<Table>;
}

type RawValue = string | boolean | readonly (string | boolean)[] | undefined;

/** How messages and `--help` name an option. */
function nameOf(name: string, { positional, value = name }: Option): string {
  return positional === true ? value : `--${name}`;
}

function readArguments(args: readonly string[], table: OptionTable): Readonly<Record<string, RawValue>> {
  const options = Object.entries(table).map(([name, { value, multiple = false }]) => [
    name,
    { type: value === undefined ? ("boolean" as const) : ("string" as const), multiple },
  ]);
  const positional = Object.keys(table).find((name) => table[name]?.positional === true);
  const allowPositionals = positional !== undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: Object.fromEntries(options.filter(([name]) => name !== positional)),
      strict: true,
      allowPositionals,
    });
    const [given, stray] = positionals;
    if (stray !== undefined) throw new UsageError(`${JSON.stringify(stray)} is one argument too many`);
    return positional === undefined || given === undefined ? values : { ...values, [positional]: given };
  } catch (error) {
    // Node's hint about `--` only confuses here.
    const message = errorMessage(error);
    throw new UsageError(message.split(". ")[0] ?? message, { cause: error });
  }
}

function valueOf(name: string, option: Option, given: RawValue): unknown {
  const { parse = (text: string) => text, required: needed = false } = option;
  if (option.value === undefined) return given === true;
  if (Array.isArray(given)) return given.map((text) => parse(String(text), name));
  const text = given === undefined ? option.default : String(given);
  if (needed) return parse(required(name, text, nameOf(name, option)), name);
  return text === undefined ? undefined : parse(text, name);
}

/**
 * For an option that is needed only together with others.
 * @throws UsageError if it is not given
 */
export function required(option: string, value: string | undefined, label = `--${option}`): string {
  if (value === undefined || value === "") throw new UsageError(`${label} is missing`);
  return value;
}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A length of time such as `5s`, `2m` or `1h`, in milliseconds. */
export function duration(text: string, option: string): number {
  const [, amount, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: must be a duration such as 5s, 10m or 1h`);
  // The expression above lets no other unit through.
  return Number(amount) * units[unit as keyof typeof units];
}

/** A whole number from `least` to `most`. */
export function integer(least: number, most: number): (text: string, option: string) => number {
  return (text, option) => {
    const value = /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined;
    if (value === undefined || value < least || value > most)
      throw new UsageError(`--${option} ${JSON.stringify(text)}: must be a number from ${least} to ${most}`);
    return value;
  };
}

/** One of a few words. */
export function oneOf<Word extends string>(...words: readonly Word[]): (text: string, option: string) => Word {
  return (text, option) => {
    const word = words.find((known) => known === text);
    if (word === undefined) throw new UsageError(`--${option} ${JSON.stringify(text)}: must be ${words.join(" or ")}`);
    return word;
  };
}

/** Why something is done, which becomes a line of a commit. @param what completes "must say in one line why" */
export function reasonText(what: string): (text: string, option: string) => string {
  return (text, option) => {
    if (/[\p{L}\p{N}]/u.test(text) && !/\p{Cc}/u.test(text)) return text;
    throw new UsageError(`--${option} ${JSON.stringify(text)}: must say in one line why ${what}`);
  };
}

/** The id of a commit, in full or its beginning. */
export function commitId(text: string, option: string): string {
  if (commitSchema.safeParse(text).success) return text;
  throw new UsageError(`--${option} ${JSON.stringify(text)} is not the id of a commit`);
}

/** The name of an environment, which is part of file names and a directory in the deploy repository. */
export function environmentName(text: string, option: string): string {
  if (pathProblem(text) === undefined && !text.includes("/")) return text;
  throw new UsageError(`--${option} ${JSON.stringify(text)} is not the name of an environment`);
}

/** The lines of `--help` about the options: each below its name, with its default at the end. */
export function optionsHelp(table: OptionTable): string {
  return termsHelp(
    Object.entries(table).map(([name, option]) => {
      const { value, positional, help, default: preset, defaultText = preset } = option;
      return [
        value === undefined || positional === true ? nameOf(name, option) : `${nameOf(name, option)} ${value}`,
        defaultText === undefined ? help : `${help} (default: ${defaultText})`,
      ];
    }),
  );
}

/** Columns of a terminal that `--help` fills. */
const width = 120;
/** A longer term pushes what is said of it to the right, and not that of all others. */
const longestTerm = 22;

/** Terms on the left, and in a column on the right what is said of them. */
export function termsHelp(terms: readonly (readonly [term: string, text: string])[]): string {
  const lengths = terms.map(([{ length }]) => length).filter((length) => length <= longestTerm);
  const column = 2 + Math.max(0, ...lengths) + 2;
  return terms.map(([term, text]) => wrap(text, `  ${term}  `.padEnd(column), " ".repeat(column))).join("\n");
}

/** Breaks a text between words, so that its lines fit. Line breaks that it has do not count. */
export function wrap(text: string, first = "", rest = ""): string {
  const lines: string[] = [];
  let line = first;
  for (const word of text.trim().split(/\s+/)) {
    const separator = line === first ? "" : " ";
    if (separator !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest + word;
    } else line += separator + word;
  }
  return [...lines, line].join("\n");
}
