import { spawn } from "node:child_process";

/** How a short command runs. */
export interface CommandOptions {
  /** Written to its standard input. */
  input?: string;
  env?: Record<string, string>;
  /** @default 30 */
  timeoutSeconds?: number;
}

/** A command that failed; `errorOutput` is what it printed as errors. */
export class CommandError extends Error {
  readonly errorOutput: string;

  constructor(message: string, errorOutput: string) {
    super(`${message}: ${errorOutput}`);
    this.errorOutput = errorOutput;
  }
}

/**
 * Runs a command to its end and returns what it printed.
 *
 * @throws CommandError when it fails or takes too long
 */
export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const seconds = options.timeoutSeconds ?? 30;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { PATH: process.env["PATH"], ...options.env },
      timeout: seconds * 1000,
      killSignal: "SIGKILL",
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", (error) => reject(new Error(`${command} cannot be run: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(output).toString("utf8"));
      const why = signal ? `was ended by ${signal} (limit: ${seconds} s)` : `failed with status ${code}`;
      reject(new CommandError(`${[command, ...args].join(" ")} ${why}`, Buffer.concat(errors).toString("utf8").trim()));
    });
    // A command that fails at once closes its input; its status says why.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}
