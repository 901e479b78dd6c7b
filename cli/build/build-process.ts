import { errorMessage } from "../../core/error.ts";
import { runProcess } from "../../core/process.ts";
import { CommandError } from "../command.ts";
import type { BuilderCommand } from "./builders.ts";

interface BuildProcessOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes each line as it comes. */
  readonly onLine: (line: string) => void;
  /** Ends the builder, which then takes back what it has begun. */
  readonly signal: AbortSignal;
}

interface BuildOutcome {
  readonly succeeded: boolean;
  /** The last lines that it wrote to standard error, where BuildKit's clients report their progress. */
  readonly output: readonly string[];
}

/** As many lines as a failing step and its excerpt of the Dockerfile take. */
const keptLines = 200;

/** @throws CommandError if the builder cannot be run; what `signal` was aborted with */
export async function runBuildProcess(
  { program, args }: BuilderCommand,
  { environment, onLine, signal }: BuildProcessOptions,
): Promise<BuildOutcome> {
  const output: string[] = [];
  const keep = (line: string, stream: "stdout" | "stderr"): void => {
    if (stream === "stdout") return;
    output.push(line);
    if (output.length > keptLines) output.shift();
    onLine(line);
  };
  const { code } = await runProcess(program, args, { env: environment, onLine: keep, signal }).catch(
    (error: unknown) => {
      signal.throwIfAborted();
      throw new CommandError(
        `${program} cannot be run (${errorMessage(error)}); install it, or choose another --builder`,
        { cause: error },
      );
    },
  );
  return { succeeded: code === 0, output };
}
