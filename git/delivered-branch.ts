import { GitError, gitAt, gitOfUser, type Git } from "./git-command.ts";
import { SourceRepositoryError } from "./source-repository.ts";

/**
 * The branch of the monorepo that is delivered: as the stack file says, or the default branch of the checkout's remote. Without
 * a remote it is `main`.
 * @param given `github.branch` of the stack file
 * @param directory in the checkout
 * @throws SourceRepositoryError where the remote does not tell, and the checkout knows no `main` of it
 */
export async function deliveredBranch(given: string | undefined, directory: string): Promise<string> {
  if (given !== undefined) return given;
  const git = gitAt(directory);
  if (!(await succeeds(git, ["config", "--get", "remote.origin.url"]))) return "main";
  const answer = await textOf(gitOfUser(directory), ["ls-remote", "--symref", "origin", "HEAD"]);
  const asked = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer)?.[1];
  if (asked !== undefined) return asked;
  // What the clone was told once.
  const [, cloned] = /^refs\/remotes\/origin\/(\S+)$/.exec(
    await textOf(git, ["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]),
  ) ?? [undefined, undefined];
  if (cloned !== undefined) return cloned;
  if (await succeeds(git, ["rev-parse", "--verify", "--quiet", "refs/remotes/origin/main"])) return "main";
  throw new SourceRepositoryError(
    `which branch is delivered is not known: the remote origin of ${directory} does not say which one is its default, and has no branch main; set github.branch in the stack file`,
  );
}

/**
 * The commits of a branch as the remote has it now, in full: a forced push may have set it back, and the remote may still give
 * out what was dropped.
 * @returns `undefined`: it does not tell
 */
export async function remoteCommits(directory: string, branch: string): Promise<ReadonlySet<string> | undefined> {
  const head = /^[0-9a-f]{40,64}/.exec(
    await textOf(gitOfUser(directory), ["ls-remote", "origin", `refs/heads/${branch}`]),
  )?.[0];
  if (head === undefined) return undefined;
  await textOf(gitOfUser(directory), ["fetch", "--quiet", "--no-tags", "origin", `refs/heads/${branch}`]);
  const git = gitAt(directory);
  // What lies behind the end of a shallow clone is not known to be on the branch, nor not to be.
  if ((await textOf(git, ["rev-parse", "--is-shallow-repository"])) !== "false") return undefined;
  const commits = await textOf(git, ["rev-list", head]);
  return commits === "" ? undefined : new Set(commits.split("\n"));
}

/** What Git prints; nothing where it fails. */
async function textOf(git: Git, args: readonly string[]): Promise<string> {
  try {
    return (await git(args)).toString().trim();
  } catch (error) {
    if (error instanceof GitError) return "";
    throw error;
  }
}

async function succeeds(git: Git, args: readonly string[]): Promise<boolean> {
  return (await textOf(git, args)) !== "";
}
