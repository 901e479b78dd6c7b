import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GitError, type Git } from "./git-command.ts";
import { snapshotOf, type Snapshot } from "./snapshot.ts";

/** How much of a branch's history comes along: nothing, everything, or what is new since the last fetch. */
export type Extent = "tip" | "whole history" | "since the last fetch";

const extents: Readonly<Record<Extent, readonly string[]>> = {
  tip: ["--depth=1"],
  // Only what release records are made of: commits, directories and small files. The rest would come when it is read.
  "whole history": ["--filter=blob:limit=4k"],
  // From where the history was cut off.
  "since the last fetch": [],
};

/** @param directory the Git directory of `git` */
export async function fetchTip(git: Git, directory: string, branch: string, extent: Extent): Promise<Snapshot> {
  const refspec = `+refs/heads/${branch}:refs/remotes/origin/tip`;
  try {
    await git(["fetch", "--quiet", "--no-tags", ...extents[extent], "origin", refspec]);
  } catch (error) {
    // An empty repository has no branch either.
    if (isMissingBranch(error)) return snapshotOf(git, undefined);
    throw error;
  }
  // One process less than asking Git.
  const [commit] = (await readFile(join(directory, "FETCH_HEAD"), "utf8")).split("\t");
  return snapshotOf(git, commit);
}

/** The one of these commits that the tip is, or has among its ancestors. All are in the Git directory. */
export async function commitBehind(
  git: Git,
  tip: string | undefined,
  commits: readonly string[],
): Promise<string | undefined> {
  if (tip === undefined || commits.length === 0) return undefined;
  const output = await git(["rev-list", "--stdin"], [...commits, `^${tip}`].join("\n"));
  const elsewhere = new Set(output.toString().split("\n"));
  return commits.find((commit) => !elsewhere.has(commit));
}

/** The tip of the branch, if it is the commit but for its time: pushed anew, it would start every check of it anew. */
export async function sameChange(git: Git, branch: string, commit: string): Promise<string | undefined> {
  const own = "refs/remotes/origin/own";
  try {
    await git(["fetch", "--quiet", "--no-tags", "--depth=1", "origin", `+refs/heads/${branch}:${own}`]);
  } catch (error) {
    if (isMissingBranch(error)) return undefined;
    throw error;
  }
  const timeless = async (revision: string): Promise<string> =>
    (await git(["cat-file", "commit", revision])).toString().replaceAll(/^(author|committer) .*\n/gm, "");
  if ((await timeless(own)) !== (await timeless(commit))) return undefined;
  return (await git(["rev-parse", own])).toString().trim();
}

function isMissingBranch(error: unknown): boolean {
  return error instanceof GitError && /couldn't find remote ref/i.test(error.output);
}
