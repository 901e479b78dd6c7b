import { z } from "zod";
import { invalid } from "./api-error.ts";
import { pullRequestEvent } from "./events.ts";
import { findRepository, gitOf, ownerOf, type GitHubHost, type HostedRepository } from "./host.ts";
import { fullView } from "./pull-request.ts";
import { keepHead } from "./pull-request-head.ts";
import { bodyOf, created, repositoryOf, userOf, type ApiRequest, type ApiResponse } from "./router.ts";
import { takeId, type PullRequest, type State } from "./state.ts";

const resource = "PullRequest";

const newSchema = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
  base: z.string().min(1),
  body: z.string().nullish(),
  draft: z.boolean().default(false),
});

/** Opens a pull request of a branch, here or of a fork. */
export async function createPullRequest(request: ApiRequest): Promise<ApiResponse> {
  const { host, state } = request;
  const { repository, git } = repositoryOf(request);
  const { login } = userOf(request);
  const wanted = bodyOf(request, resource, newSchema);
  const baseSha = await git.branch(wanted.base);
  if (baseSha === undefined) throw invalid({ resource, field: "base", code: "invalid" });
  const { source, ref } = headOf(host, state, repository, wanted.head);
  const label = `${ownerOf(source.fullName)}:${ref}`;
  const same = state.pullRequests.some(
    ({ closedAt, base, head, ...pull }) =>
      closedAt === undefined &&
      pull.repository === repository.fullName &&
      base.ref === wanted.base &&
      head.repository === source.fullName &&
      head.ref === ref,
  );
  if (same) throw invalid({ resource, code: "custom", message: `A pull request already exists for ${label}.` });
  const number = nextNumber(state, repository);
  const sha = await keepHead(git, gitOf(host, source), number, ref);
  if (sha === undefined) throw invalid({ resource, field: "head", code: "invalid" });
  if ((await git.countCommits(baseSha, sha)) === 0) {
    await git.run(["update-ref", "-d", `refs/pull/${number}/head`]);
    throw invalid({ resource, code: "custom", message: `No commits between ${wanted.base} and ${wanted.head}` });
  }
  const now = new Date().toISOString();
  const pull: PullRequest = {
    id: takeId(state),
    repository: repository.fullName,
    number,
    title: wanted.title,
    body: wanted.body ?? null,
    draft: wanted.draft,
    author: login,
    createdAt: now,
    updatedAt: now,
    head: { repository: source.fullName, ref, sha },
    base: { ref: wanted.base, sha: baseSha },
    labels: [],
  };
  state.pullRequests.push(pull);
  pullRequestEvent(host, state, "opened", pull, login);
  return created(await fullView(request, pull, git));
}

/** `branch`, or `owner:branch` of a fork. */
function headOf(
  host: GitHubHost,
  state: State,
  repository: HostedRepository,
  head: string,
): { source: HostedRepository; ref: string } {
  const [, owner, ref = head] = /^([^:]+):(.+)$/.exec(head) ?? [];
  if (owner === undefined || owner === ownerOf(repository.fullName)) return { source: repository, ref };
  const fork = state.forks.find((known) => known.of === repository.fullName && ownerOf(known.fullName) === owner);
  const source = fork && findRepository(host, state, fork.fullName);
  if (source === undefined) throw invalid({ resource, field: "head", code: "invalid" });
  return { source, ref };
}

function nextNumber(state: State, { fullName }: HostedRepository): number {
  const taken = state.pullRequests.filter((pull) => pull.repository === fullName).map(({ number }) => number);
  return Math.max(0, ...taken) + 1;
}
