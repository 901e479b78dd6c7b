import { stackSchema } from "../../stacks/schema.ts";
import type { Surroundings } from "../command.ts";
import { githubOf } from "../github/access.ts";
import { commentReport } from "../preview/comment-report.ts";
import { fenced } from "../preview/escape.ts";
import { readStackSettings } from "../stack-settings.ts";
import { reasonFor } from "./occasion.ts";
import type { PlanArgs } from "./plan.ts";

/**
 * Says in the pull request why nothing was planned, in the place of its preview. What cannot be said there stands in the
 * job's log and status alone.
 */
export async function commentFailure(args: PlanArgs, problem: string, surroundings: Surroundings): Promise<void> {
  const { environment, branch, drift, to } = args;
  try {
    const { github } = readStackSettings(environment, stackSchema.pick({ github: true })) ?? {};
    const deliveredBranch = github?.branch ?? "main";
    const reason = await reasonFor(
      { environment, branch, deliveredBranch, drift, previews: undefined, github },
      surroundings,
    );
    if (reason.occasion !== "review" || reason.pullRequest === undefined) return;
    const text = `## Preview\n\n**The pull request cannot be previewed, tested or built.**\n\n${fenced(problem, "")}\n`;
    const preview = { report: text, first: environment, commit: to, pullRequest: String(reason.pullRequest) };
    surroundings.note(await commentReport(githubOf(environment, surroundings), preview, surroundings.environment));
  } catch (error) {
    if (surroundings.signal.aborted) throw error;
    surroundings.note(`the pull request is not told: ${error instanceof Error ? error.message : String(error)}`);
  }
}
