import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { problemsIn } from "../../cli/pulumi/diagnostics.ts";

/** Prints lines of progress, each with the seconds since this call, so that one sees what takes long. */
export function startProgress(): (line: string) => void {
  const start = Date.now();
  return (line) => console.log(`[${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s] ${line}`);
}

/**
 * Runs an operation of the engine.
 * @throws Error with each of its problems once; the engine's own error repeats all that it has printed
 */
export async function withProblems<Result>(
  operation: (watch: { onEvent: (event: EngineEvent) => void }) => Promise<Result>,
): Promise<Result> {
  const events: EngineEvent[] = [];
  const onEvent = (event: EngineEvent): void => {
    if (event.diagnosticEvent !== undefined) events.push(event);
  };
  try {
    return await operation({ onEvent });
  } catch (error) {
    const problems = new Set(problemsIn(events));
    // Without any problem the engine itself could not run.
    if (problems.size === 0) throw error;
    throw new Error([...problems].join("\n"), { cause: error });
  }
}

/** How the engine's progress is printed: coloured and updated in place only where the output is a terminal. */
export function terminalOutput(): {
  onOutput: (text: string) => void;
  color: "always" | "never";
  suppressProgress: boolean;
} {
  const { isTTY } = process.stdout;
  return {
    onOutput: (text) => process.stdout.write(text),
    color: isTTY ? "always" : "never",
    suppressProgress: !isTTY,
  };
}
