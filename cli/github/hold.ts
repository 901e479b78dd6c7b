import type { GitHubChat } from "./chat.ts";
import type { PullRequest } from "./github.ts";

/**
 * The label of a pull request that is on hold: its pipeline fails, and what it has changed is not promoted to environments whose
 * stack file has `promotion.holds`. A person may set it by hand, too.
 */
export const holdLabel = "delivery/hold";

/** The commit status that shows it on the pull request. */
const holdStatus = "delivery/hold";

interface HoldChange {
  /** `false`: it is no longer on hold. */
  readonly isHeld: boolean;
  /** Who, or why. */
  readonly by: string;
  /** Where that can be looked up. */
  readonly url: string;
}

/** Puts a pull request on hold, or takes it off. The label is what counts; the status only shows it. */
export async function setHold(
  chat: Pick<GitHubChat, "addLabel" | "removeLabel" | "setStatus">,
  { number, head }: Pick<PullRequest, "number" | "head">,
  { isHeld, by, url }: HoldChange,
): Promise<void> {
  if (isHeld) await chat.addLabel(number, holdLabel);
  else await chat.removeLabel(number, holdLabel);
  await chat.setStatus(head.sha, {
    context: holdStatus,
    state: isHeld ? "failure" : "success",
    description: isHeld ? `On hold: ${by}` : `No longer on hold: ${by}`,
    url,
  });
}
