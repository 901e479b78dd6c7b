import type { Git } from "./git-command.ts";
import { signatureProblems } from "./commit-signatures.ts";
import { sealTrailer, type SigningKeys } from "./signing-keys.ts";

/** A path whose content nobody has signed who may change it. */
export interface UnsignedPath {
  readonly path: string;
  /** In full. */
  readonly commit: string;
  /** Who made it, as the commit says. */
  readonly author: string;
  /** It completes "the commit …". */
  readonly problem: string;
}

interface PathCommit {
  readonly commit: string;
  readonly author: string;
  readonly seals: boolean;
  readonly paths: readonly string[];
}

/**
 * The paths in a directory that were changed last by a commit without a signature of `signing.keys`. A signed commit that vouches for
 * the directory ends the search: what is older has been looked at. A merge brings what it brings: whoever makes it has to sign.
 * @param git of a branch whose commits are signed
 * @param head of the branch, whose history is there
 * @param directory the environment's
 */
export async function unsignedPaths(
  git: Git,
  signing: SigningKeys,
  head: string,
  directory: string,
): Promise<UnsignedPath[]> {
  const commits = await commitsIn(git, head, directory);
  const last = new Map<string, PathCommit>();
  for (const commit of commits) for (const path of commit.paths) if (!last.has(path)) last.set(path, commit);
  const present = await presentPaths(git, head, directory);
  const gitDirectory = (await git(["rev-parse", "--absolute-git-dir"])).toString().trim();
  const asked = new Set([...last.values(), ...commits.filter(({ seals }) => seals)].map(({ commit }) => commit));
  const problems = await signatureProblems(git, gitDirectory, signing, signing.keys, [...asked]);
  const sealed = commits.findIndex(({ commit, seals }) => seals && problems.get(commit) === undefined);
  const open = new Set((sealed < 0 ? commits : commits.slice(0, sealed)).map(({ commit }) => commit));
  return [...last].flatMap(([path, { commit, author }]) => {
    const problem = problems.get(commit);
    return problem === undefined || !present.has(path) || !open.has(commit) ? [] : [{ path, commit, author, problem }];
  });
}

/** Along the first parents, the newest first: the content of a path is what the last of them that changed it has left there. */
async function commitsIn(git: Git, head: string, directory: string): Promise<PathCommit[]> {
  const options = ["--first-parent", "--diff-merges=first-parent", "--root", "--no-renames", "--name-only", "-z"];
  const format = `--format=${mark}%H%x1f%an%x1f%(trailers:key=${sealTrailer},valueonly,separator=%x2C)`;
  const output = await git(["log", ...options, format, head, "--", `:(literal)${directory}`]);
  const [, ...commits] = `\0${output.toString()}`.split(`\0${mark}`);
  return commits.map((text) => {
    const [heading = "", first = "", ...others] = text.split("\0");
    const [commit = "", author = "", seals = ""] = heading.split("\u001F");
    const paths = [first.replace(/^\n/, ""), ...others].filter((path) => path !== "");
    return { commit, author, seals: seals.split(",").includes(directory), paths };
  });
}

/** Separates commits in the log: no path begins like this. */
const mark = "//";

/** For people: `1a2b3c4 by Ada, the last commit of it, is not signed`. */
export function describeUnsigned({ commit, author, problem }: UnsignedPath): string {
  return `commit ${commit.slice(0, 7)} by ${author}, the last to change it, ${problem}`;
}

async function presentPaths(git: Git, head: string, directory: string): Promise<ReadonlySet<string>> {
  const output = await git(["ls-tree", "-r", "-z", "--name-only", head, "--", `${directory}/`]);
  return new Set(output.toString().split("\0"));
}
