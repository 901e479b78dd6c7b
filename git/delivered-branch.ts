import { GitError, gitAt, gitOfUser, type Git } from "./git-command.ts";
import { SourceRepositoryError } from "./source-repository.ts";

/**
 * The branch of the monorepo that is delivered: as the stack file says, or the default branch of the checkout's remote. Without
 * a remote it is the local branch `main`, or the only one. Nothing else is taken for it: a wrong one would never deliver.
 * @param given `github.branch` of the stack file
 * @param directory in the checkout
 * @throws SourceRepositoryError where that does not tell
 */
export async function deliveredBranch(given: string | undefined, directory: string): Promise<string> {
  if (given !== undefined) return given;
  const git = gitAt(directory);
  const remote = await remoteOf(directory);
  if (remote === undefined) return localBranch(git, directory);
  const answer = await textOf(gitOfUser(directory), ["ls-remote", "--symref", remote, "HEAD"]);
  const asked = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer)?.[1];
  if (asked !== undefined) return asked;
  // What the clone was told once.
  const cloned = await textOf(git, ["symbolic-ref", "--quiet", `refs/remotes/${remote}/HEAD`]);
  const prefix = `refs/remotes/${remote}/`;
  if (cloned.startsWith(prefix)) return cloned.slice(prefix.length);
  throw unknownBranch(`the remote ${remote} of ${directory} does not say which one is its default`);
}

/** The checkout's remote: `origin`, or the only one. @returns `undefined`: it has none, or several of other names */
export async function remoteOf(directory: string): Promise<string | undefined> {
  const names = (await textOf(gitAt(directory), ["remote"])).split("\n").filter(Boolean);
  return names.includes("origin") ? "origin" : names.length === 1 ? names[0] : undefined;
}

async function localBranch(git: Git, directory: string): Promise<string> {
  const listed = await textOf(git, ["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
  const current = await textOf(git, ["symbolic-ref", "--quiet", "--short", "HEAD"]);
  const branches = [...new Set([...listed.split("\n"), current])].filter(Boolean);
  if (branches.includes("main")) return "main";
  const [only, ...others] = branches;
  if (only !== undefined && others.length === 0) return only;
  const what = branches.length === 0 ? "is on no branch" : `has the branches ${branches.join(", ")}`;
  throw unknownBranch(`${directory} has no remote origin, and ${what}`);
}

function unknownBranch(reason: string): SourceRepositoryError {
  return new SourceRepositoryError(
    `which branch is delivered is not known: ${reason}; set github.branch in the stack file`,
  );
}

/**
 * The commits of a branch as the remote has it now, in full: a forced push may have set it back, and the remote may still give
 * out what was dropped.
 * @returns `undefined`: it does not tell
 */
export async function remoteCommits(directory: string, branch: string): Promise<ReadonlySet<string> | undefined> {
  const remote = (await remoteOf(directory)) ?? "origin";
  const head = /^[0-9a-f]{40,64}/.exec(
    await textOf(gitOfUser(directory), ["ls-remote", remote, `refs/heads/${branch}`]),
  )?.[0];
  if (head === undefined) return undefined;
  await textOf(gitOfUser(directory), ["fetch", "--quiet", "--no-tags", remote, `refs/heads/${branch}`]);
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
