import { z } from "zod";
import { notePush } from "../git-server/pushes.ts";
import { ApiError } from "./api-error.ts";
import { close } from "./apply-push.ts";
import type { BareGit } from "./bare-git.ts";
import { ownerOf } from "./host.ts";
import { pullRequestOf } from "./pull-requests.ts";
import {
  bodyOf,
  ok,
  route,
  userOf,
  writableRepositoryOf,
  type ApiRequest,
  type ApiResponse,
  type Route,
} from "./router.ts";
import type { PullRequest } from "./state.ts";
import { queuePullRequestEvent } from "./webhook-events.ts";

export const mergeRoutes: readonly Route[] = [route("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge", merge)];

const mergeSchema = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(["merge", "squash", "rebase"]).default("merge"),
});
type MergeOptions = z.infer<typeof mergeSchema>;

async function merge(request: ApiRequest): Promise<ApiResponse> {
  const { host, state } = request;
  const { repository } = writableRepositoryOf(request);
  const { login } = userOf(request);
  const { pull, git } = pullRequestOf(request);
  const options = bodyOf(request, "PullRequest", mergeSchema);
  if (options.merge_method === "rebase") throw new ApiError(405, "Rebase merges are not allowed on this repository.");
  if (options.sha !== undefined && options.sha !== pull.head.sha)
    throw new ApiError(409, "Head branch was modified. Review and try the merge again.");
  const base = await git.branch(pull.base.ref);
  const tree = base === undefined ? undefined : await git.mergedTree(base, pull.head.sha);
  if (pull.closedAt !== undefined || base === undefined || tree === undefined)
    throw new ApiError(405, "Pull Request is not mergeable");
  const commit = await commitMerge(git, pull, { base, tree, login, options });
  const ref = `refs/heads/${pull.base.ref}`;
  try {
    await git.run(["update-ref", ref, commit, base]);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes("cannot lock ref")) throw error;
    throw new ApiError(405, "Base branch was modified. Review and try the merge again.");
  }
  close(pull, { by: login, commit });
  queuePullRequestEvent(host, state, "closed", pull, login);
  // What follows from a push follows from this, too.
  notePush(host.root, { repository: repository.git, updates: [{ ref, before: base, after: commit }] });
  return ok({ sha: commit, merged: true, message: "Pull Request successfully merged" });
}

function commitMerge(
  git: BareGit,
  { number, title, head }: PullRequest,
  { base, tree, login, options }: { base: string; tree: string; login: string; options: MergeOptions },
): Promise<string> {
  const squash = options.merge_method === "squash";
  const subject = squash
    ? `${title} (#${number})`
    : `Merge pull request #${number} from ${ownerOf(head.repository)}/${head.ref}`;
  const text = options.commit_message ?? (squash ? "" : title);
  const message = [options.commit_title ?? subject, text].filter((part) => part !== "").join("\n\n");
  const parents = squash ? ["-p", base] : ["-p", base, "-p", head.sha];
  return git.run(["commit-tree", tree, ...parents, "-m", message], {
    GIT_AUTHOR_NAME: login,
    GIT_AUTHOR_EMAIL: `${login}@users.noreply.github.com`,
    GIT_COMMITTER_NAME: "GitHub",
    GIT_COMMITTER_EMAIL: "noreply@github.com",
  });
}
