import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { retry } from "../core/retry.ts";
import { commitBehind, fetchHead, sameChange, type FetchDepth } from "./branch-head.ts";
import { signCommit, signingEnvironment } from "./commit-signer.ts";
import { signatureProblems } from "./commit-signatures.ts";
import { makeCommit, type Change, type CommitTree } from "./commit.ts";
import { describeBranch, type DeployBranch } from "./deploy-branch.ts";
import { gitIn, type Git } from "./git-command.ts";
import {
  DeployRepositoryError,
  explainFailure,
  isMovedBranch,
  isTransientFailure,
  isUnanswered,
  unknownOutcome,
} from "./git-failure.ts";
import { allKeys, type Signing } from "./signing-keys.ts";
import type { Snapshot } from "./snapshot.ts";

/** What is at the head of the branch after a change. */
export interface CommitResult {
  /** The commit made, or the head if there was nothing to change; `undefined`: nothing to change on a branch that is not there. */
  readonly commit: string | undefined;
  /** Whether a commit was made. */
  readonly changed: boolean;
  /** How many pushes have failed before: the branch had moved in the meantime, or the server failed for a moment. */
  readonly retries: number;
}

export interface CommitOptions {
  /** How often to start over when others commit at the same time. @default 20 */
  readonly attempts?: number;
  /** Called between making the commit and pushing it. For tests of races. */
  readonly beforePush?: () => Promise<void>;
  /** A branch of its own that gets the commit, in place of whatever is there; the other branch stays as it is. @default none */
  readonly pushTo?: string | undefined;
}

/**
 * Reads the head of a branch.
 * @throws DeployRepositoryError that names the repository and says what to do
 */
export async function readBranch<T>(
  target: DeployBranch,
  use: (snapshot: Snapshot, git: Git) => Promise<T>,
  depth: Extract<FetchDepth, "head" | "whole history"> = "head",
): Promise<T> {
  return inTemporaryRepository(target, async (git, directory) =>
    use(await fetchHead(git, directory, target.branch, depth), git),
  );
}

/**
 * Puts one commit on top of a branch, which it creates if need be. When others commit at the same time, it starts over from
 * their commit; nothing of theirs is rewritten. When the answer to a push is lost, the branch says whether it has arrived.
 * @param decide what to change, seen from the head; called again for every attempt
 * @throws DeployRepositoryError that names the repository and says what to do; then nothing was changed, unless it says otherwise
 */
export async function commitToBranch(
  target: DeployBranch,
  decide: (snapshot: Snapshot) => Promise<Change>,
  options: CommitOptions = {},
): Promise<CommitResult> {
  return inTemporaryRepository(target, async (git, directory) => {
    // No case for `retry`: whether a push has failed is known only after the branch is fetched again.
    const failed: FailedPush[] = [];
    for (;;) {
      const { snapshot, arrived } = await refetch({ git, directory, target, pushTo: options.pushTo }, failed);
      const retries = failed.length;
      if (arrived !== undefined) return { commit: arrived, changed: true, retries };
      assertRetryable(target, failed, options.attempts ?? 20);
      const commitTree = signedCommits({ git, directory, target }, snapshot);
      const commit = await makeCommit(git, directory, snapshot, await decide(snapshot), commitTree);
      if (commit === undefined) return { commit: snapshot.commit, changed: false, retries };
      const proposed = options.pushTo && (await sameChange(git, options.pushTo, commit));
      if (proposed) return { commit: proposed, changed: true, retries };
      await options.beforePush?.();
      const refspec = `${options.pushTo === undefined ? "" : "+"}${commit}:refs/heads/${options.pushTo ?? target.branch}`;
      try {
        await git(["push", "--porcelain", "--quiet", "origin", refspec]);
        return { commit, changed: true, retries };
      } catch (error) {
        failed.push({ commit, error });
      }
      await sleep(pauseAfter(failed.length));
    }
  });
}

/** @returns `undefined` where commits are not signed */
function signedCommits(
  { git, directory, target }: Omit<PushEndpoint, "pushTo">,
  { commit: head }: Snapshot,
): CommitTree | undefined {
  const { signing } = target;
  if (signing === undefined) return undefined;
  return async (args, message, { seals = false }) => {
    if (!seals && head !== undefined) await assertSigned({ git, directory, target }, signing, head);
    return signCommit(git, directory, signing, args, message);
  };
}

/** What is signed on top of it would make it count, too: Argo CD looks at the newest commit alone. */
async function assertSigned(
  { git, directory, target }: Omit<PushEndpoint, "pushTo">,
  signing: Signing,
  head: string,
): Promise<void> {
  const problem = (await signatureProblems(git, directory, signing, allKeys(signing), [head])).get(head);
  if (problem === undefined) return;
  throw new DeployRepositoryError(
    `commit ${head.slice(0, 12)}, the newest on ${describeBranch(target)}, ${problem}; nothing was changed. Look at what it does, and take it back, or vouch for it by a signed commit on top (\`git commit --allow-empty -S\`)`,
  );
}

/** A push that was refused, or whose answer was lost: then the branch may have the commit all the same, now or a little later. */
interface FailedPush {
  readonly commit: string;
  readonly error: unknown;
}

interface PushEndpoint {
  readonly git: Git;
  /** The Git directory of `git`. */
  readonly directory: string;
  readonly target: DeployBranch;
  /** The branch that is pushed to. @default that of the target */
  readonly pushTo: string | undefined;
}

/** The branch as it is now, and the commit that has arrived there by one of the pushes that failed. */
async function refetch(
  { git, directory, target, pushTo }: PushEndpoint,
  failed: readonly FailedPush[],
): Promise<{ snapshot: Snapshot; arrived: string | undefined }> {
  const last = failed.at(-1);
  const depth = last === undefined ? "head" : "since the last fetch";
  const patience = { pauses: transientPauses(), isTransient: isTransientFailure };
  try {
    const snapshot = await retry(() => fetchHead(git, directory, target.branch, depth), patience);
    if (last === undefined) return { snapshot, arrived: undefined };
    if (pushTo !== undefined)
      return { snapshot, arrived: await retry(() => sameChange(git, pushTo, last.commit), patience) };
    const commits = failed.map(({ commit }) => commit);
    return { snapshot, arrived: await commitBehind(git, snapshot.commit, commits) };
  } catch (error) {
    const lost = last !== undefined && (isTransientFailure(last.error) || isUnanswered(last.error));
    throw lost ? unknownOutcome(error, target, last.commit) : error;
  }
}

/** @throws what the last push has failed of, if another attempt would not fare better */
function assertRetryable(target: DeployBranch, failed: readonly FailedPush[], attempts: number): void {
  const last = failed.at(-1);
  if (last === undefined) return;
  if (!isMovedBranch(last.error)) {
    if (isTransientFailure(last.error) && failed.length < transientAttempts) return;
    throw isUnanswered(last.error) ? unknownOutcome(last.error, target, last.commit) : last.error;
  }
  if (failed.length < attempts) return;
  throw new DeployRepositoryError(
    `${describeBranch(target)} was changed by others at each of ${attempts} attempts; nothing was changed, run the same command again`,
    { cause: last.error },
  );
}

/** How often a request is made of a server that fails for a moment. */
const transientAttempts = 4;

function transientPauses(): number[] {
  return Array.from({ length: transientAttempts - 1 }, (_, index) => pauseAfter(index + 1));
}

/** Milliseconds. Any time up to a limit that doubles: those who push at the same moment do not do so a second time. */
function pauseAfter(failures: number): number {
  return Math.random() * Math.min(50 * 2 ** failures, 3000);
}

/** Only what is needed is fetched, into a directory that lives as long as the call. */
async function inTemporaryRepository<T>(
  target: DeployBranch,
  use: (git: Git, directory: string) => Promise<T>,
): Promise<T> {
  using directory = temporaryDirectory(`delivery-git-${process.pid}-`);
  try {
    const { signing } = target;
    const more = signing && signingEnvironment(directory.path, signing);
    const git = gitIn(directory.path, { ...target, more });
    makeEmptyRepository(directory.path);
    return await use(git, directory.path);
  } catch (error) {
    throw explainFailure(error, target);
  }
}

/**
 * Makes a directory an empty bare repository, as `git init --bare --template=` does: for what reads a few files, each process counts.
 * Source: https://git-scm.com/docs/gitrepository-layout
 */
export function makeEmptyRepository(directory: string): void {
  for (const folder of ["objects", "refs"]) mkdirSync(join(directory, folder), { recursive: true });
  writeFileSync(join(directory, "HEAD"), "ref: refs/heads/main\n");
  writeFileSync(join(directory, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
}
