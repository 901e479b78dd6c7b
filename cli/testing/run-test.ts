import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { CommandContext } from "../command.ts";

/** The environment variable with a directory for what tests have come to, as JUnit's XML. */
export const testResultsVariable = "DELIVERY_TEST_RESULTS";

/** A process that tests a service, or a part of it. */
export interface TestProcess {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it runs, relative to the program. */
  readonly directory: string;
  /** Variables beyond those that are there. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Runs a test, and passes on every line that it writes.
 * @returns why it failed; `undefined`: it passed
 */
export async function runTest(
  { command, args, directory, environment }: TestProcess,
  { environment: inherited, signal }: CommandContext,
  show: (line: string) => void,
): Promise<string | undefined> {
  const child = spawn(command, args, {
    cwd: directory,
    env: { ...inherited, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    // In a process group of its own, all that it started can be ended with it, which `runProcess` does not do.
    detached: true,
  });
  const stop = (): void => stopGroup(child.pid);
  signal.addEventListener("abort", stop, { once: true });
  const ended = new Promise<string | undefined>((done) => {
    child.on("error", ({ message }) => done(`cannot run ${command}: ${message}; is it installed where the tests run?`));
    // What a test leaves running would hold its output open.
    child.on("exit", stop);
    child.on("close", (code, by) =>
      done(code === 0 ? undefined : by === null ? `exit status ${code}` : `ended by ${by}`),
    );
  });
  try {
    await Promise.all([passOn(child.stdout, show), passOn(child.stderr, show)]);
    return await ended;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function passOn(stream: Readable, show: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) show(line);
}

function stopGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, "SIGTERM");
  } catch {
    // No process of the group runs any more.
  }
}
