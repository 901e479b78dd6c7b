import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchTip, sameChange, type Extent } from "./branch-head.ts";
import { makeCommit, type Change } from "./commit.ts";
import type { DeployBranch } from "./deploy-branch.ts";
import { lookAgain, pause, refuseFurtherTry, type FailedPush } from "./failed-push.ts";
import { gitIn, type Git } from "./git-command.ts";
import { explainFailure } from "./git-failure.ts";
import type { Snapshot } from "./snapshot.ts";

/** What is at the tip of the branch after a change. */
export interface CommitResult {
  /** The commit made, or the tip if there was nothing to change; `undefined`: nothing to change on a branch that is not there. */
  readonly commit: string | undefined;
  /** Whether a commit was made. */
  readonly changed: boolean;
  /** How many pushes have failed before: the branch had moved in the meantime, or the server stumbled. */
  readonly retries: number;
}

export interface CommitOptions {
  /** How often to start over when others commit at the same time. @default 20 */
  readonly tries?: number;
  /** Called between making the commit and pushing it. For tests of races. */
  readonly beforePush?: () => Promise<void>;
  /** A branch of its own that gets the commit, in place of whatever it held; the other branch stays as it is. @default none */
  readonly pushTo?: string | undefined;
}

/**
 * Reads the tip of a branch.
 * @throws DeployRepositoryError that names the repository and the way out
 */
export async function readBranch<T>(
  target: DeployBranch,
  use: (snapshot: Snapshot, git: Git) => Promise<T>,
  depth: Extract<Extent, "tip" | "whole history"> = "tip",
): Promise<T> {
  return inTemporaryRepository(target, async (git, directory) =>
    use(await fetchTip(git, directory, target.branch, depth), git),
  );
}

/**
 * Puts one commit on top of a branch, which it creates if need be. When others commit at the same time, it starts over from
 * their commit; nothing of theirs is rewritten. When the answer to a push is lost, the branch says whether it has arrived.
 * @param decide what to change, seen from the tip; called anew for every try
 * @throws DeployRepositoryError that names the repository and the way out; then nothing was changed, unless it says otherwise
 */
export async function commitToBranch(
  target: DeployBranch,
  decide: (snapshot: Snapshot) => Promise<Change>,
  options: CommitOptions = {},
): Promise<CommitResult> {
  return inTemporaryRepository(target, async (git, directory) => {
    const failed: FailedPush[] = [];
    for (;;) {
      const { snapshot, arrived } = await lookAgain({ git, directory, target, pushTo: options.pushTo }, failed);
      const retries = failed.length;
      if (arrived !== undefined) return { commit: arrived, changed: true, retries };
      refuseFurtherTry(target, failed, options.tries ?? 20);
      const commit = await makeCommit(git, directory, snapshot, await decide(snapshot));
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
      await pause(failed.length);
    }
  });
}

/** Only what is needed is fetched, into a directory that lives as long as the call. */
async function inTemporaryRepository<T>(
  target: DeployBranch,
  use: (git: Git, directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), `delivery-git-${process.pid}-`));
  try {
    const git = gitIn(directory, target);
    await git(["init", "--quiet", "--bare", "--template="]);
    return await use(git, directory);
  } catch (error) {
    throw explainFailure(error, target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
