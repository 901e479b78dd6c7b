import type { GitHub } from "../github/github.ts";
import { previewMarkerOf, putStickyComment } from "../github/sticky-comment.ts";
import { findPullRequest } from "./pull-request.ts";

export interface ReportedPreview {
  /** In Markdown. */
  readonly report: string;
  /** The first of the environments that it is of. */
  readonly first: string;
  /** The commit that a pipeline has looked at; `undefined`: nobody says. */
  readonly commit: string | undefined;
  /** The number on the command line, if there is one. */
  readonly pullRequest: string | undefined;
}

/**
 * Writes the report to its pull request, over the one before, unless the pull request is at another commit by now: a job
 * that was slow, or that is run again, has nothing to say of that.
 * @returns what came of it, for people
 */
export async function commentReport(
  github: GitHub,
  { report, first, commit, pullRequest }: ReportedPreview,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const number = await findPullRequest(github, pullRequest, environment);
  if (number === undefined)
    return "no comment: there is no open pull request of this commit; the report is printed only";
  const { head } = await github.pullRequest(number);
  if (commit !== undefined && !head.sha.startsWith(commit))
    return `no comment: pull request ${number} is at ${head.sha} by now, whose own pipeline reports; the report of ${commit} is printed only`;
  const { url } = await putStickyComment(github, number, previewMarkerOf(first), report);
  return `comment ${url}`;
}
