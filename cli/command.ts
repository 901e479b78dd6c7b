import { optionsHelp, parseOptions, termsHelp, wrap, type OptionTable, type OptionValues } from "./options.ts";

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
  readonly options: OptionTable;
  /** @throws UsageError where the command line is wrong, CommandError where something else is */
  readonly run: (args: readonly string[], context: CommandContext) => Promise<void>;
}

/** A paragraph, or a list of terms and what is said of them. `--help` wraps both. */
type HelpPart = string | Readonly<Record<string, string>>;

interface CommandDefinition<Table extends OptionTable> {
  readonly summary: string;
  /** What it does, above the options. */
  readonly description: readonly HelpPart[];
  /** Without `npx delivery`: one line for each way to call it. */
  readonly usage: readonly string[];
  readonly options: Table;
  /** What else there is to know, below the options. @default nothing */
  readonly notes?: readonly HelpPart[];
  readonly run: (options: OptionValues<Table>, context: CommandContext) => Promise<void>;
}

/** Makes the parser and the help of a command from one table of its options. */
export function defineCommand<Table extends OptionTable>({
  summary,
  description,
  usage,
  options,
  notes = [],
  run,
}: CommandDefinition<Table>): Command {
  const calls = usage.map((call, index) => `${index === 0 ? "Usage:" : "      "} npx delivery ${call}`).join("\n");
  const help = [...description.map(helpText), calls, optionsHelp(options), ...notes.map(helpText)].join("\n\n");
  return { summary, help, options, run: async (args, context) => run(parseOptions(args, options), context) };
}

function helpText(part: HelpPart): string {
  return typeof part === "string" ? wrap(part) : termsHelp(Object.entries(part));
}

/** Something is wrong that trying again does not mend, or that took too many attempts: exit status 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}
