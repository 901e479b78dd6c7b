import { z } from "zod";
import { ApiError, invalid, notFound } from "./api-error.ts";
import { close, keepHead } from "./apply-push.ts";
import type { BareGit } from "./bare-git.ts";
import { findRepository, gitOf, ownerOf, type GitHubHost, type HostedRepository } from "./host.ts";
import { page } from "./page.ts";
import {
  bodyOf,
  created,
  mayWrite,
  ok,
  pathPart,
  repositoryOf,
  route,
  userOf,
  type ApiRequest,
  type ApiResponse,
  type Route,
} from "./router.ts";
import { takeId, type PullRequest, type State } from "./state.ts";
import { pullRequestView, userView } from "./views.ts";
import { queuePullRequestEvent } from "./webhook-events.ts";

const pulls = "/repos/{owner}/{repo}/pulls";
const resource = "PullRequest";

export const pullRequestRoutes: readonly Route[] = [
  route("GET", pulls, listPullRequests),
  route("POST", pulls, createPullRequest),
  route("GET", `${pulls}/{number}`, async (request) => {
    const { pull, git } = pullRequestOf(request);
    return ok(await fullView(request, pull, git));
  }),
  route("PATCH", `${pulls}/{number}`, updatePullRequest),
];

function listPullRequests(request: ApiRequest): ApiResponse {
  const { host, state, url } = request;
  const { repository } = repositoryOf(request);
  const query = (name: string, usual: string): string => url.searchParams.get(name) ?? usual;
  const [wanted, head, base] = [query("state", "open"), query("head", ""), query("base", "")];
  const sort = query("sort", "created") === "updated" ? "updatedAt" : "createdAt";
  // By itself the newest comes first only in the order of creation.
  const sign = query("direction", sort === "createdAt" ? "desc" : "asc") === "asc" ? 1 : -1;
  const found = state.pullRequests
    .filter((pull) => pull.repository === repository.fullName)
    .filter((pull) => wanted === "all" || (pull.closedAt === undefined ? "open" : "closed") === wanted)
    // GitHub overlooks a head without its owner.
    .filter((pull) => !head.includes(":") || `${ownerOf(pull.head.repository)}:${pull.head.ref}` === head)
    .filter((pull) => base === "" || pull.base.ref === base)
    .toSorted((one, other) => sign * (one[sort].localeCompare(other[sort]) || one.number - other.number));
  return page(
    request,
    found.map((pull) => pullRequestView(host, state, pull)),
  );
}

const changeSchema = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(["open", "closed"]).optional(),
  base: z.string().min(1).optional(),
});

async function updatePullRequest(request: ApiRequest): Promise<ApiResponse> {
  const { host, state } = request;
  const { pull, git, repository } = pullRequestOf(request);
  const user = userOf(request);
  if (pull.author !== user.login && !mayWrite(user, repository))
    throw new ApiError(403, "Resource not accessible by personal access token");
  const change = bodyOf(request, resource, changeSchema);
  if (change.base !== undefined) {
    const sha = await git.branch(change.base);
    if (sha === undefined) throw invalid({ resource, field: "base", code: "invalid" });
    pull.base = { ref: change.base, sha };
  }
  if (change.title !== undefined) pull.title = change.title;
  if (change.body !== undefined) pull.body = change.body;
  pull.updatedAt = new Date().toISOString();
  if (change.state === "closed" && pull.closedAt === undefined) {
    close(pull);
    queuePullRequestEvent(host, state, "closed", pull, user.login);
  }
  if (change.state === "open" && pull.closedAt !== undefined) {
    await reopen(request, pull, git);
    queuePullRequestEvent(host, state, "reopened", pull, user.login);
  }
  return ok(await fullView(request, pull, git));
}

async function reopen({ host, state }: ApiRequest, pull: PullRequest, git: BareGit): Promise<void> {
  const refusal = (why: string): ApiError =>
    invalid({ resource, code: "invalid", field: "state", message: `state cannot be changed. ${why}` });
  if (pull.merged !== undefined) throw refusal("The pull request cannot be reopened.");
  const source = findRepository(host, state, pull.head.repository);
  const sha = source && (await keepHead(git, gitOf(host, source), pull.number, pull.head.ref));
  if (sha === undefined) throw refusal(`The ${pull.head.ref} branch has been deleted.`);
  pull.head.sha = sha;
  delete pull.closedAt;
}

const newResource = "PullRequest";

const newSchema = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
  base: z.string().min(1),
  body: z.string().nullish(),
  draft: z.boolean().default(false),
});

/** Opens a pull request of a branch, here or of a fork. */
async function createPullRequest(request: ApiRequest): Promise<ApiResponse> {
  const { host, state } = request;
  const { repository, git } = repositoryOf(request);
  const { login } = userOf(request);
  const wanted = bodyOf(request, newResource, newSchema);
  const baseSha = await git.branch(wanted.base);
  if (baseSha === undefined) throw invalid({ resource: newResource, field: "base", code: "invalid" });
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
  if (same)
    throw invalid({ resource: newResource, code: "custom", message: `A pull request already exists for ${label}.` });
  const number = nextNumber(state, repository);
  const sha = await keepHead(git, gitOf(host, source), number, ref);
  if (sha === undefined) throw invalid({ resource: newResource, field: "head", code: "invalid" });
  if ((await git.countCommits(baseSha, sha)) === 0) {
    await git.run(["update-ref", "-d", `refs/pull/${number}/head`]);
    throw invalid({
      resource: newResource,
      code: "custom",
      message: `No commits between ${wanted.base} and ${wanted.head}`,
    });
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
  queuePullRequestEvent(host, state, "opened", pull, login);
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
  if (source === undefined) throw invalid({ resource: newResource, field: "head", code: "invalid" });
  return { source, ref };
}

function nextNumber(state: State, { fullName }: HostedRepository): number {
  const taken = state.pullRequests.filter((pull) => pull.repository === fullName).map(({ number }) => number);
  return Math.max(0, ...taken) + 1;
}

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
async function fullView({ host, state }: ApiRequest, pull: PullRequest, git: BareGit) {
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

/** What a pull request's address shows a person: the pull request with its comments and statuses, as plain text. */
export const pullRequestPage = route("GET", "/{owner}/{repo}/pull/{number}", (request) => {
  const { pull } = pullRequestOf(request);
  const { state } = request;
  const { title, number, repository, head, base, labels, author, body, merged, closedAt } = pull;
  const condition = merged !== undefined ? "merged" : closedAt !== undefined ? "closed" : "open";
  const statuses = state.statuses.filter((status) => status.repository === repository && status.sha === head.sha);
  const comments = state.comments.filter((comment) => comment.repository === repository && comment.number === number);
  return ok(
    [
      `${title} (${repository}#${number}, ${condition})`,
      `${author} wants ${head.repository}:${head.ref} at ${head.sha.slice(0, 12)} in ${base.ref}`,
      ...(labels.length === 0 ? [] : [`Labels: ${labels.join(", ")}`]),
      ...statuses.map((status) => `${status.state.padEnd(8)} ${status.context}  ${status.description ?? ""}`),
      ...(body === null ? [] : ["", body]),
      ...comments.map((comment) => `\n--- ${comment.author}, ${comment.updatedAt}\n\n${comment.body}`),
      "",
    ].join("\n"),
  );
});
