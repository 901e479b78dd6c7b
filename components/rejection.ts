import * as pulumi from "@pulumi/pulumi";
import { problemLine, type Problem } from "../core/problem.ts";

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
