import type { Push, RefUpdate } from "../git-server/pushes.ts";
import type { BareGit } from "./bare-git.ts";
import { findByGit, findRepository, gitOf, type GitHubHost, type HostedRepository } from "./host.ts";
import type { PullRequest, State } from "./state.ts";
import { queuePullRequestEvent, queuePushEvent } from "./webhooks.ts";

const branchPrefix = "refs/heads/";

/** Brings the pull requests to what a push has moved, and queues the webhooks. A push that comes twice changes nothing more. */
export async function applyPush(host: GitHubHost, state: State, push: Push): Promise<void> {
  const repository = findByGit(host, state, push.repository);
  if (repository === undefined) return;
  const git = gitOf(host, repository);
  // The CI system hears of pushes to repositories that it builds; of a fork it hears by its pull requests.
  const isDeclared = host.repositories.includes(repository);
  for (const update of push.updates) {
    if (isDeclared) await queuePushEvent(host, state, repository, git, update);
    if (!update.ref.startsWith(branchPrefix)) continue;
    await settleMerged(host, state, repository, git, update);
    await moveHeads(host, state, repository, git, update);
  }
}

/** A pull request whose commits have come to its base is merged, whoever brought them there. */
async function settleMerged(
  host: GitHubHost,
  state: State,
  { fullName }: HostedRepository,
  git: BareGit,
  { ref, after }: RefUpdate,
): Promise<void> {
  if (after === undefined) return;
  const open = openPulls(state).filter((pull) => pull.repository === fullName && branchPrefix + pull.base.ref === ref);
  for (const pull of open) {
    if (!(await git.isAncestor(pull.head.sha, after))) continue;
    const { committer } = await git.info(after);
    close(pull, { by: committer.name, commit: after });
    queuePullRequestEvent(host, state, "closed", pull, committer.name);
  }
}

async function moveHeads(
  host: GitHubHost,
  state: State,
  { fullName }: HostedRepository,
  git: BareGit,
  { ref, after }: RefUpdate,
): Promise<void> {
  const open = openPulls(state).filter(
    (pull) => pull.head.repository === fullName && branchPrefix + pull.head.ref === ref,
  );
  for (const pull of open) {
    const target = findRepository(host, state, pull.repository);
    if (target === undefined) continue;
    if (after === undefined) {
      close(pull);
      queuePullRequestEvent(host, state, "closed", pull, pull.author);
      continue;
    }
    const before = pull.head.sha;
    // The branch may have moved on since; the newest commit is what counts.
    const now = await keepHead(gitOf(host, target), git, pull.number, pull.head.ref);
    if (now === undefined || now === before) continue;
    pull.head.sha = now;
    pull.base.sha = (await gitOf(host, target).branch(pull.base.ref)) ?? pull.base.sha;
    pull.updatedAt = new Date().toISOString();
    queuePullRequestEvent(host, state, "synchronize", pull, pull.author, { before, after: now });
  }
}

function openPulls(state: State): PullRequest[] {
  return state.pullRequests.filter(({ closedAt }) => closedAt === undefined);
}

/** @param merged how it was merged. @default it was not */
export function close(pull: PullRequest, merged?: { by: string; commit: string }): void {
  const at = new Date().toISOString();
  pull.updatedAt = at;
  pull.closedAt = at;
  if (merged !== undefined) pull.merged = { at, ...merged };
}

/**
 * Brings a pull request's commits into the repository that it is for, at `refs/pull/<number>/head`, where whoever reads
 * that repository finds them, also those of a fork.
 * @returns the newest commit; `undefined`: the branch is not there
 */
export async function keepHead(
  target: BareGit,
  source: BareGit,
  number: number,
  branch: string,
): Promise<string | undefined> {
  const sha = await source.branch(branch);
  if (sha === undefined) return undefined;
  const ref = `refs/pull/${number}/head`;
  if (source.path === target.path) await target.run(["update-ref", ref, sha]);
  else await target.run(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", source.path, `+${sha}:${ref}`]);
  return sha;
}
