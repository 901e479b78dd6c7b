import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { problemsIn } from "../../cli/pulumi/diagnostics.ts";
import { noteOutput, type Report } from "./progress.ts";

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

/** The same with its progress: how many resources have come to their end, of those that the program has declared so far. */
export function withProgress<Result>(
  report: Report,
  line: string,
  operation: (watch: { onEvent: (event: EngineEvent) => void }) => Promise<Result>,
): Promise<Result> {
  const declared = new Set<string>();
  const ended = new Set<string>();
  report(line, () => `${ended.size} of ${declared.size} resources`);
  return withProblems(({ onEvent }) =>
    operation({
      onEvent: (event) => {
        const begun = event.resourcePreEvent?.metadata.urn;
        const done = event.resOutputsEvent?.metadata.urn ?? event.resOpFailedEvent?.metadata.urn;
        if (begun !== undefined) declared.add(begun);
        if (done !== undefined) ended.add(done);
        onEvent(event);
      },
    }),
  );
}

/** How the engine's progress is printed: coloured and updated in place only where the output is a terminal. */
export function terminalOutput(): {
  onOutput: (text: string) => void;
  color: "always" | "never";
  suppressProgress: boolean;
} {
  const { isTTY } = process.stdout;
  return {
    onOutput: (text) => {
      noteOutput();
      process.stdout.write(text);
    },
    color: isTTY ? "always" : "never",
    suppressProgress: !isTTY,
  };
}
