import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage, hasErrorCode } from "../../core/error.ts";
import { pidsWith } from "../../sandbox/machine/process-identity.ts";

/** A command that runs beside others. */
export interface NamedCommand {
  /** In front of each line of its output. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
}

/** What every process of one run carries and its children inherit, whichever process group they are in. */
const markName = "DELIVERY_TEST_RUN";

/**
 * Runs commands at the same time, each to its end: one that fails stops no other. One that a signal ends, or that cannot be started,
 * takes the others with it, and so does `signal`. Then nothing that they have started runs any more, but for daemons whose environment
 * was not inherited.
 *
 * @param print takes a line of output
 * @param atOnce how many run at the same time; the others wait, in their order
 * @returns the names of those that have not ended well, or were not started
 */
export async function runSideBySide(
  commands: readonly NamedCommand[],
  print: (line: string) => void,
  signal: AbortSignal,
  atOnce = commands.length,
): Promise<string[]> {
  if (signal.aborted) return commands.map(({ name }) => name);
  const mark = randomUUID();
  const env = { ...process.env, [markName]: mark, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) };
  const broken = new AbortController();
  const over = AbortSignal.any([signal, broken.signal]);
  const run = async ({ name, program, args }: NamedCommand): Promise<string[]> => {
    const say = (line: string): void => print(`${name} | ${line}`);
    // Not by core/process.ts, which waits until nobody can write to its output any more: what a killed one leaves behind may.
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const closed = new Promise((resolve) => child.once("close", resolve));
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", say);
    try {
      await once(child, "exit");
    } catch (error) {
      say(errorMessage(error));
      broken.abort();
      return [name];
    }
    const { exitCode, signalCode } = child;
    const withOthers = over.aborted;
    // A program that ends itself on a signal, as vitest and npm do, tells it by its status, as shells do.
    if (exitCode === null || exitCode > 128) broken.abort();
    await closed;
    if (exitCode === 0) return [];
    say(withOthers ? "ended with the others" : `ended by ${signalCode ?? `exit status ${exitCode ?? "unknown"}`}`);
    return [name];
  };
  const waiting = [...commands];
  const runInTurn = async (): Promise<string[]> => {
    const failed: string[] = [];
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      failed.push(...(over.aborted ? [next.name] : await run(next)));
    return failed;
  };
  const ended = Promise.all(Array.from({ length: atOnce }, runInTurn));
  const killed = once(over, "abort").then(() => killMarked(mark));
  await Promise.race([ended, killed]);
  return (await ended).flat();
}

const pollMilliseconds = 20;

async function killMarked(mark: string): Promise<void> {
  for (let left = pidsWith(markName, mark); left.length > 0; left = pidsWith(markName, mark)) {
    for (const pid of left) kill(pid);
    await sleep(pollMilliseconds);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It has ended by itself.
    if (!hasErrorCode(error, "ESRCH")) throw error;
  }
}
