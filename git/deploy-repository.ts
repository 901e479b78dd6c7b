import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCommit, type Change } from "./commit.ts";
import { describeBranch, type DeployBranch } from "./deploy-branch.ts";
import { GitError, gitIn, type Git } from "./git-command.ts";
import { DeployRepositoryError, explainFailure, isMovedBranch, isPassingFailure } from "./git-failure.ts";
import { snapshotOf, type Snapshot } from "./snapshot.ts";

/** What is at the tip of the branch after a change. */
export interface CommitResult {
  /** The commit made, or the tip if there was nothing to change; `undefined`: nothing to change on a branch that is not there. */
  readonly commit: string | undefined;
  /** Whether a commit was made. */
  readonly changed: boolean;
  /** How often the branch had moved in the meantime. */
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
  depth?: "whole history",
): Promise<T> {
  return inTemporaryRepository(target, async (git, directory) =>
    use(await fetchTip(git, directory, target, depth), git),
  );
}

/**
 * Puts one commit on top of a branch, which it creates if need be. When others commit at the same time, it starts over from
 * their commit; nothing of theirs is rewritten.
 * @param decide what to change, seen from the tip; called anew for every try
 * @throws DeployRepositoryError that names the repository and the way out; then nothing was changed
 */
export async function commitToBranch(
  target: DeployBranch,
  decide: (snapshot: Snapshot) => Promise<Change>,
  options: CommitOptions = {},
): Promise<CommitResult> {
  const tries = options.tries ?? 20;
  return inTemporaryRepository(target, async (git, directory) => {
    for (let attempt = 0; ; attempt++) {
      try {
        const snapshot = await fetchTip(git, directory, target);
        const commit = await makeCommit(git, directory, snapshot, await decide(snapshot));
        if (commit === undefined) return { commit: snapshot.commit, changed: false, retries: attempt };
        const proposed = options.pushTo && (await sameChange(git, options.pushTo, commit));
        if (proposed) return { commit: proposed, changed: true, retries: attempt };
        await options.beforePush?.();
        const refspec = `${options.pushTo === undefined ? "" : "+"}${commit}:refs/heads/${options.pushTo ?? target.branch}`;
        await git(["push", "--porcelain", "--quiet", "origin", refspec]);
        return { commit, changed: true, retries: attempt };
      } catch (error) {
        const again = isMovedBranch(error) ? attempt + 1 < tries : isPassingFailure(error) && attempt < 3;
        if (!again && isMovedBranch(error)) {
          throw new DeployRepositoryError(
            `${describeBranch(target)} was changed by others at each of ${tries} tries; nothing was changed, run the same command again`,
            { cause: error },
          );
        }
        if (!again) throw error;
        // The more of them there are, the further apart they try again.
        await sleep(Math.random() * Math.min(100 * 2 ** attempt, 3000));
      }
    }
  });
}

/** The tip of the branch, if it is the commit but for its time: pushed anew, it would start every check of it anew. */
async function sameChange(git: Git, branch: string, commit: string): Promise<string | undefined> {
  try {
    await git([
      "fetch",
      "--quiet",
      "--no-tags",
      "--depth=1",
      "origin",
      `+refs/heads/${branch}:refs/remotes/origin/own`,
    ]);
  } catch (error) {
    if (isMissingBranch(error)) return undefined;
    throw error;
  }
  const timeless = async (revision: string): Promise<string> =>
    (await git(["cat-file", "commit", revision])).toString().replaceAll(/^(author|committer) .*\n/gm, "");
  if ((await timeless("refs/remotes/origin/own")) !== (await timeless(commit))) return undefined;
  return (await git(["rev-parse", "refs/remotes/origin/own"])).toString().trim();
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

async function fetchTip(git: Git, directory: string, target: DeployBranch, depth?: "whole history"): Promise<Snapshot> {
  // Of a history only what release records are made of: commits, directories and small files. The rest would come when it is read.
  const extent = depth === undefined ? ["--depth=1"] : ["--filter=blob:limit=4k"];
  try {
    await git([
      "fetch",
      "--quiet",
      "--no-tags",
      ...extent,
      "origin",
      `+refs/heads/${target.branch}:refs/remotes/origin/tip`,
    ]);
  } catch (error) {
    // An empty repository has no branch either.
    if (isMissingBranch(error)) return snapshotOf(git, undefined);
    throw error;
  }
  // One process less than asking Git.
  const [commit] = (await readFile(join(directory, "FETCH_HEAD"), "utf8")).split("\t");
  return snapshotOf(git, commit);
}

function isMissingBranch(error: unknown): boolean {
  return error instanceof GitError && /couldn't find remote ref/i.test(error.output);
}
