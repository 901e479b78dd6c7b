import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { GitError, type Git } from "./git-command.ts";
import { snapshotOf, type Snapshot } from "./snapshot.ts";

/** How much of a branch's history is fetched: only its head, everything, or what is new since the last fetch. */
export type FetchDepth = "head" | "whole history" | "since the last fetch";

const fetchOptions: Readonly<Record<FetchDepth, readonly string[]>> = {
  head: ["--depth=1"],
  // Commits, directories and small files, which is all that release records are made of. Git fetches the rest when it is read.
  "whole history": ["--filter=blob:limit=4k"],
  // Without a depth, Git fetches up to where the history was cut off before.
  "since the last fetch": [],
};

/** @param directory the Git directory of `git` */
export async function fetchHead(git: Git, directory: string, branch: string, depth: FetchDepth): Promise<Snapshot> {
  const refspec = `+refs/heads/${branch}:refs/remotes/origin/head`;
  try {
    await git(["fetch", "--quiet", "--no-tags", ...fetchOptions[depth], "origin", refspec]);
  } catch (error) {
    // An empty repository has no branch either.
    if (isMissingBranch(error)) return snapshotOf(git, undefined);
    throw error;
  }
  // Reading the file saves a process of Git.
  const [commit] = (await readFile(join(directory, "FETCH_HEAD"), "utf8")).split("\t");
  return snapshotOf(git, commit);
}

/** The one of these commits that the head is, or has among its ancestors. All are in the Git directory. */
export async function commitBehind(
  git: Git,
  head: string | undefined,
  commits: readonly string[],
): Promise<string | undefined> {
  if (head === undefined || commits.length === 0) return undefined;
  const output = await git(["rev-list", "--stdin"], [...commits, `^${head}`].join("\n"));
  const elsewhere = new Set(output.toString().split("\n"));
  return commits.find((commit) => !elsewhere.has(commit));
}

/**
 * The head of the branch, if it differs from the commit in its time alone. Such a commit need not be pushed: it would start
 * every check of the branch again.
 */
export async function sameChange(git: Git, branch: string, commit: string): Promise<string | undefined> {
  const own = "refs/remotes/origin/own";
  try {
    await git(["fetch", "--quiet", "--no-tags", "--depth=1", "origin", `+refs/heads/${branch}:${own}`]);
  } catch (error) {
    if (isMissingBranch(error)) return undefined;
    throw error;
  }
  const withoutTime = async (revision: string): Promise<string> =>
    (await git(["cat-file", "commit", revision]))
      .toString()
      .replaceAll(/^(author|committer) .*\n/gm, "")
      .replace(signature, "gpgsig\n");
  if ((await withoutTime(own)) !== (await withoutTime(commit))) return undefined;
  return (await git(["rev-parse", own])).toString().trim();
}

/** Of a commit object: another one is made at every time. */
const signature = /^gpgsig .*\n(?: .*\n)*/m;

function isMissingBranch(error: unknown): boolean {
  return error instanceof GitError && /couldn't find remote ref/i.test(error.output);
}
