import type { Push, RefUpdate } from "../git-server/pushes.ts";
import type { BareGit } from "./bare-git.ts";
import { pullRequestEvent, pushEvent } from "./events.ts";
import { findByGit, findRepository, gitOf, type GitHubHost, type HostedRepository } from "./host.ts";
import { keepHead } from "./pull-request-head.ts";
import type { PullRequest, State } from "./state.ts";

const branchPrefix = "refs/heads/";

/** Brings the pull requests to what a push has moved, and tells the webhooks. A push that is told twice changes nothing more. */
export async function applyPush(host: GitHubHost, state: State, push: Push): Promise<void> {
  const repository = findByGit(host, state, push.repository);
  if (repository === undefined) return;
  const git = gitOf(host, repository);
  // The CI system hears of pushes to repositories that it builds; of a fork it hears by its pull requests.
  const heard = host.repositories.includes(repository);
  for (const update of push.updates) {
    if (heard) await pushEvent(host, state, repository, git, update);
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
    pullRequestEvent(host, state, "closed", pull, committer.name);
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
      pullRequestEvent(host, state, "closed", pull, pull.author);
      continue;
    }
    const before = pull.head.sha;
    // The branch may have moved on since; the newest commit is what counts.
    const now = await keepHead(gitOf(host, target), git, pull.number, pull.head.ref);
    if (now === undefined || now === before) continue;
    pull.head.sha = now;
    pull.base.sha = (await gitOf(host, target).branch(pull.base.ref)) ?? pull.base.sha;
    pull.updatedAt = new Date().toISOString();
    pullRequestEvent(host, state, "synchronize", pull, pull.author, { before, after: now });
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
