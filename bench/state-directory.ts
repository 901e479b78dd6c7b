import { mkdtempSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { stopSandbox } from "../sandbox/commands/start-sandbox.ts";
import type { Report } from "../sandbox/commands/progress.ts";

/** The directories that a benchmark uses now. */
const open = new Set<string>();
const interrupted = new AbortController();

/** Aborted by a signal that ends the benchmarks: for the processes that they start themselves. */
export const interruption: AbortSignal = interrupted.signal;

/**
 * Runs a benchmark with a state directory of its own for a sandbox, or for another's files. Whatever runs there is stopped at the end,
 * and the directory removed, also where {@link endAtSignals} ends the process half-way.
 */
export async function withStateDirectory<T>(
  benchmark: string,
  report: Report,
  run: (stateDir: string) => Promise<T>,
): Promise<T> {
  const stateDir = mkdtempSync(join(tmpdir(), `delivery-bench-${benchmark}-`));
  open.add(stateDir);
  try {
    return await run(stateDir);
  } finally {
    report("Stopping the sandbox");
    await stopSandbox(stateDir);
    open.delete(stateDir);
  }
}

/** Lets a signal stop what the benchmarks have started before it ends them; what fails meanwhile, fails because of it. */
export async function endAtSignals(report: Report, run: () => Promise<void>): Promise<void> {
  let end: Promise<never> | undefined;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(name, () => {
      interrupted.abort(new Error(`stopped by ${name}`));
      end = stopAll(name, report);
    });
  try {
    await run();
  } catch (error) {
    if (end === undefined) throw error;
    await end;
  }
}

async function stopAll(name: "SIGINT" | "SIGTERM" | "SIGHUP", report: Report): Promise<never> {
  report(`Stopped by ${name}; removing what the benchmark has started`);
  for (const stateDir of open) await stopSandbox(stateDir);
  process.exit(128 + constants.signals[name]);
}
