import { parseArgs, type ParseArgsConfig } from "node:util";

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * A length of time such as `5s`, `2m` or `1h`, in milliseconds.
 * @throws UsageError that names the option
 */
export function duration(option: string, text: string): number {
  const [, amount, unit = "s"] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: must be a duration such as 5s, 10m or 1h`);
  // The expression above lets no other unit through.
  return Number(amount) * units[unit as keyof typeof units];
}

/** What a command sees of the world. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Results, on standard output. */
  readonly print: (line: string) => void;
  /** Everything else, on standard error. */
  readonly note: (line: string) => void;
  /** All of standard input. */
  readonly input: () => Promise<string>;
  /** The user wants it to end. */
  readonly signal: AbortSignal;
}

/** One command of the delivery CLI. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly help: string;
  readonly run: (args: readonly string[], context: CommandContext) => Promise<void>;
}

/** The command line itself is wrong: exit status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Something is wrong that trying again does not mend, or that took too many tries: exit status 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

/** @throws UsageError for unknown options, missing values and stray arguments */
export function parseOptions<const T extends NonNullable<ParseArgsConfig["options"]>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node's hint about `--` only confuses here.
    throw new UsageError(error instanceof Error ? (error.message.split(". ")[0] ?? error.message) : String(error), {
      cause: error,
    });
  }
}

/** @throws UsageError if the option is not given */
export function required(option: string, value: string | undefined): string {
  if (value === undefined || value === "") throw new UsageError(`--${option} is missing`);
  return value;
}
