import { notFound } from "./api-error.ts";
import type { BareGit } from "./bare-git.ts";
import type { HostedRepository } from "./host.ts";
import { pathPart, repositoryOf, type ApiRequest } from "./router.ts";
import type { PullRequest } from "./state.ts";
import { pullRequestView, userView } from "./views.ts";

/** The pull request of the path. */
export function pullRequestOf(request: ApiRequest): {
  pull: PullRequest;
  git: BareGit;
  repository: HostedRepository;
} {
  const { repository, git } = repositoryOf(request);
  const pull = request.state.pullRequests.find(
    (known) => known.repository === repository.fullName && String(known.number) === pathPart(request, "number"),
  );
  if (pull === undefined) throw notFound();
  return { pull, git, repository };
}

/** A single pull request has more to it than one of a list. */
export async function fullView({ host, state }: ApiRequest, pull: PullRequest, git: BareGit) {
  const base = (await git.branch(pull.base.ref)) ?? pull.base.sha;
  const open = pull.closedAt === undefined;
  const mergeable = open ? (await git.mergedTree(base, pull.head.sha)) !== undefined : null;
  const { files, additions, deletions } = await git.changeSize(pull.base.sha, pull.head.sha);
  return {
    ...pullRequestView(host, state, pull),
    merged: pull.merged !== undefined,
    merged_by: pull.merged === undefined ? null : userView(host, pull.merged.by),
    mergeable,
    mergeable_state: mergeable === null ? "unknown" : mergeable ? "clean" : "dirty",
    comments: state.comments.filter((one) => one.repository === pull.repository && one.number === pull.number).length,
    commits: await git.countCommits(pull.base.sha, pull.head.sha),
    changed_files: files,
    additions,
    deletions,
  };
}
