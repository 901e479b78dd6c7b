import type { EngineEvent, Stack } from "@pulumi/pulumi/automation/index.js";
import { knownFailure } from "../pulumi/engine-failure.ts";
import { problemIn } from "../pulumi/diagnostics.ts";

/** What came of a preview. */
export interface EngineRun {
  readonly events: readonly EngineEvent[];
  /** Why it failed, where no event says so. */
  readonly failure: string | undefined;
}

/** Runs the engine's preview, which changes nothing; its failure is a result, too. */
export async function runPreview(stack: Stack, signal: AbortSignal): Promise<EngineRun> {
  const events: EngineEvent[] = [];
  try {
    await stack.preview({
      suppressProgress: true,
      color: "never",
      onEvent: (event) => events.push(event),
      // What it prints is in the events.
      onOutput: () => undefined,
      signal,
    });
    return { events, failure: undefined };
  } catch (error) {
    signal.throwIfAborted();
    const told = events.some((event) => problemIn(event) !== undefined || event.policyEvent !== undefined);
    return { events, failure: told ? undefined : failureOf(error, stack.name) };
  }
}

/** The Automation API's error repeats the command, the output and itself. */
function failureOf(error: unknown, stack: string): string {
  const output = error instanceof Error ? error.message : String(error);
  const known = knownFailure(output, stack);
  if (known !== undefined) return known;
  const lines = output.split("\n").filter((line) => line.startsWith("error: "));
  return [...new Set(lines)].join("\n") || "the engine ended without saying why; run `pulumi preview` to see more";
}
