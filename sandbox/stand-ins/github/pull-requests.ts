import { Hono } from "hono";
import { z } from "zod";
import { notePush } from "../git-server/pushes.ts";
import { ApiError, bodyOf, forbidden, invalid, mayWrite, notFound, page, userOf, writerOf } from "./api.ts";
import type { ApiContext, ApiEnv } from "./api.ts";
import { close, keepHead } from "./apply-push.ts";
import type { BareGit } from "./bare-git.ts";
import { findRepository, gitOf, ownerOf, type GitHubHost, type HostedRepository } from "./host.ts";
import { takeId, type PullRequest, type State } from "./state.ts";
import { pullRequestView, userView } from "./views.ts";
import { queuePullRequestEvent } from "./webhooks.ts";

const resource = "PullRequest";

const newSchema = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
  base: z.string().min(1),
  body: z.string().nullish(),
  draft: z.boolean().default(false),
});

const changeSchema = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(["open", "closed"]).optional(),
  base: z.string().min(1).optional(),
});

const mergeSchema = z.object({
  commit_title: z.string().optional(),
  commit_message: z.string().optional(),
  sha: z.string().optional(),
  merge_method: z.enum(["merge", "squash", "rebase"]).default("merge"),
});
type MergeOptions = z.infer<typeof mergeSchema>;

/** Below `/repos/:owner/:repo/pulls`. */
export const pullRequests = new Hono<ApiEnv>()
  .get("/", (c) => {
    const pulls = listed(c).map((pull) => pullRequestView(c.var.host, c.var.state, pull));
    return page(c, pulls);
  })
  .post("/", async (c) => {
    const { host, state } = c.var;
    const { login } = userOf(c);
    const pull = await open(c, login, bodyOf(c, resource, newSchema));
    state.pullRequests.push(pull);
    queuePullRequestEvent(host, state, "opened", pull, login);
    return c.json(await fullView(c, pull), 201);
  })
  .get("/:number", async (c) => c.json(await fullView(c, findPull(c, c.req.param("number")))))
  .get("/:number/files", async (c) => {
    const { base, head } = findPull(c, c.req.param("number"));
    return page(c, (await c.var.git.changedFiles(base.sha, head.sha)).slice(0, mostFiles));
  })
  .patch("/:number", async (c) => {
    const pull = findPull(c, c.req.param("number"));
    const user = userOf(c);
    if (pull.author !== user.login && !mayWrite(user, c.var.repository)) throw forbidden();
    await update(c, pull, user.login, bodyOf(c, resource, changeSchema));
    return c.json(await fullView(c, pull));
  })
  .put("/:number/merge", async (c) => {
    const { login } = writerOf(c);
    const pull = findPull(c, c.req.param("number"));
    const sha = await merge(c, pull, login, bodyOf(c, resource, mergeSchema));
    return c.json({ sha, merged: true, message: "Pull Request successfully merged" });
  });

/** Source: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files */
const mostFiles = 3_000;

/** @throws ApiError if the repository of the path has no pull request of this number */
export function findPull({ var: { state, repository } }: ApiContext, number: string): PullRequest {
  const pull = state.pullRequests.find(
    (known) => known.repository === repository.fullName && String(known.number) === number,
  );
  if (pull === undefined) throw notFound();
  return pull;
}

/** The pull requests that the query asks for. */
function listed(c: ApiContext): PullRequest[] {
  const { state = "open", head = "", base = "", ...order } = c.req.query();
  const sort = order["sort"] === "updated" ? "updatedAt" : "createdAt";
  // Without a direction, the newest comes first only in the order of creation.
  const sign = (order["direction"] ?? (sort === "createdAt" ? "desc" : "asc")) === "asc" ? 1 : -1;
  return (
    c.var.state.pullRequests
      .filter((pull) => pull.repository === c.var.repository.fullName)
      .filter((pull) => state === "all" || (pull.closedAt === undefined ? "open" : "closed") === state)
      // GitHub ignores a head that does not name its owner.
      .filter((pull) => !head.includes(":") || `${ownerOf(pull.head.repository)}:${pull.head.ref}` === head)
      .filter((pull) => base === "" || pull.base.ref === base)
      .toSorted((one, other) => sign * (one[sort].localeCompare(other[sort]) || one.number - other.number))
  );
}

/** A new pull request of a branch, here or of a fork. */
async function open(c: ApiContext, author: string, requested: z.infer<typeof newSchema>): Promise<PullRequest> {
  const { host, state, repository, git } = c.var;
  const baseSha = await git.branch(requested.base);
  if (baseSha === undefined) throw invalid({ resource, field: "base", code: "invalid" });
  const { source, ref } = headOf(host, state, repository, requested.head);
  const same = state.pullRequests.some(
    ({ closedAt, base, head, ...pull }) =>
      closedAt === undefined &&
      pull.repository === repository.fullName &&
      base.ref === requested.base &&
      head.repository === source.fullName &&
      head.ref === ref,
  );
  if (same) {
    const message = `A pull request already exists for ${ownerOf(source.fullName)}:${ref}.`;
    throw invalid({ resource, code: "custom", message });
  }
  const number = nextNumber(state, repository);
  const sha = await keepHead(git, gitOf(host, source), number, ref);
  if (sha === undefined) throw invalid({ resource, field: "head", code: "invalid" });
  if ((await git.countCommits(baseSha, sha)) === 0) {
    await git.run(["update-ref", "-d", `refs/pull/${number}/head`]);
    const message = `No commits between ${requested.base} and ${requested.head}`;
    throw invalid({ resource, code: "custom", message });
  }
  const now = new Date().toISOString();
  return {
    id: takeId(state),
    repository: repository.fullName,
    number,
    title: requested.title,
    body: requested.body ?? null,
    draft: requested.draft,
    author,
    createdAt: now,
    updatedAt: now,
    head: { repository: source.fullName, ref, sha },
    base: { ref: requested.base, sha: baseSha },
    labels: [],
  };
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

async function update(
  c: ApiContext,
  pull: PullRequest,
  login: string,
  { base, title, body, state: requested }: z.infer<typeof changeSchema>,
): Promise<void> {
  const { host, state, git } = c.var;
  if (base !== undefined) {
    const sha = await git.branch(base);
    if (sha === undefined) throw invalid({ resource, field: "base", code: "invalid" });
    pull.base = { ref: base, sha };
  }
  if (title !== undefined) pull.title = title;
  if (body !== undefined) pull.body = body;
  pull.updatedAt = new Date().toISOString();
  if (requested === "closed" && pull.closedAt === undefined) {
    close(pull);
    queuePullRequestEvent(host, state, "closed", pull, login);
  }
  if (requested === "open" && pull.closedAt !== undefined) {
    await reopen(c, pull);
    queuePullRequestEvent(host, state, "reopened", pull, login);
  }
}

async function reopen({ var: { host, state, git } }: ApiContext, pull: PullRequest): Promise<void> {
  const refusal = (why: string): ApiError =>
    invalid({ resource, code: "invalid", field: "state", message: `state cannot be changed. ${why}` });
  if (pull.merged !== undefined) throw refusal("The pull request cannot be reopened.");
  const source = findRepository(host, state, pull.head.repository);
  const sha = source && (await keepHead(git, gitOf(host, source), pull.number, pull.head.ref));
  if (sha === undefined) throw refusal(`The ${pull.head.ref} branch has been deleted.`);
  pull.head.sha = sha;
  delete pull.closedAt;
}

/** @returns the commit on the base branch */
async function merge(c: ApiContext, pull: PullRequest, login: string, options: MergeOptions): Promise<string> {
  const { host, state, repository, git } = c.var;
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
  return commit;
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

/** A single pull request has more to it than one of a list. */
async function fullView({ var: { host, state, git } }: ApiContext, pull: PullRequest) {
  const base = (await git.branch(pull.base.ref)) ?? pull.base.sha;
  const isOpen = pull.closedAt === undefined;
  const mergeable = isOpen ? (await git.mergedTree(base, pull.head.sha)) !== undefined : null;
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
