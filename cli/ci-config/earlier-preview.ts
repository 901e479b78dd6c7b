import type { Surroundings } from "../command.ts";
import { githubOf } from "../github/access.ts";
import { previewMarker } from "../github/sticky-comment.ts";
import type { Reason } from "./occasion.ts";

/**
 * Whether the pull request has the report of an earlier commit, which must not stand there for one that changes nothing any
 * more. What GitHub does not tell is no reason to preview.
 *
 * @param environment the first one, whose stack file says where the monorepo is on GitHub
 */
export async function hasEarlierPreview(
  environment: string,
  { occasion, pullRequest }: Reason,
  surroundings: Pick<Surroundings, "environment" | "signal" | "note">,
): Promise<boolean> {
  // A fork's preview writes no comment.
  if (pullRequest === undefined || occasion === "review-of-fork") return false;
  try {
    const comments = await githubOf(environment, surroundings).comments(pullRequest);
    return comments.some(({ body }) => body.startsWith(previewMarker));
  } catch (error) {
    if (surroundings.signal.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    surroundings.note(`whether pull request ${pullRequest} has a preview is not known, so it has none: ${reason}`);
    return false;
  }
}
