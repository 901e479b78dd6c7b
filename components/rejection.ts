import * as pulumi from "@pulumi/pulumi";
import { problemLine, type Problem } from "../core/problem.ts";

/** Says what is not wrong, but may not be meant either; nothing where there is nothing to say. */
export function remark(sentence: string | undefined): void {
  if (sentence !== undefined) void pulumi.log.info(sentence);
}

/** Says what is not wrong, and what everybody who reviews the change should see. */
export function warn(sentences: readonly string[]): void {
  for (const sentence of sentences) void pulumi.log.warn(sentence);
}

/**
 * Reports all problems at once.
 * @throws pulumi.RunError whose message the engine prints without a stack trace; nothing when the list is empty
 */
export function rejectProblems(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  throw new pulumi.RunError(
    `${count}; nothing was changed\n${problems.map((problem) => `  ${problemLine(problem)}`).join("\n")}`,
  );
}
