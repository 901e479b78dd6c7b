import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { problemIn } from "../cli/pulumi/diagnostics.ts";

/**
 * Runs an operation of the engine.
 * @throws Error with each of its problems once; the engine's own error repeats all that it has printed
 */
export async function withProblems<Result>(
  operation: (watch: { onEvent: (event: EngineEvent) => void }) => Promise<Result>,
): Promise<Result> {
  const problems = new Set<string>();
  const onEvent = (event: EngineEvent): void => {
    const problem = problemIn(event);
    if (problem !== undefined) problems.add(problem);
  };
  try {
    return await operation({ onEvent });
  } catch (error) {
    // Without any the engine itself did not run.
    if (problems.size === 0) throw error;
    throw new Error([...problems].join("\n"), { cause: error });
  }
}
