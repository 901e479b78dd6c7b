import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { CommandError } from "../command.ts";
import type { BuilderCommand } from "./builder.ts";

export interface BuildProcessOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Takes each line as it comes. */
  readonly onLine: (line: string) => void;
  /** Ends the builder, which then takes back what it has begun. */
  readonly signal: AbortSignal;
}

export interface BuildOutcome {
  readonly succeeded: boolean;
  /** The last lines that it wrote. */
  readonly output: readonly string[];
}

/** As much as a failing step and its place in the Dockerfile take. */
const keptLines = 200;
/** How long a builder has to end after it is told to, in milliseconds. */
const patience = 5_000;

/** @throws CommandError if the builder cannot be run, or is stopped */
export async function runBuildProcess(
  { program, args }: BuilderCommand,
  { environment, onLine, signal }: BuildProcessOptions,
): Promise<BuildOutcome> {
  signal.throwIfAborted();
  const child = spawn(program, args, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve).on("error", (error) =>
      reject(
        new CommandError(`${program} cannot be run (${error.message}); install it, or choose another --builder`, {
          cause: error,
        }),
      ),
    );
  });
  const stop = (): void => {
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), patience).unref();
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const [code, output] = await Promise.all([ended, lastLines(child.stderr, onLine)]);
    signal.throwIfAborted();
    return { succeeded: code === 0, output };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function lastLines(input: NodeJS.ReadableStream, onLine: (line: string) => void): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    onLine(line);
  }
  return lines;
}
