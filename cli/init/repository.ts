import { lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { hasErrorCode } from "../../core/error.ts";
import { gitAt } from "../../git/git-command.ts";
import { openSourceRepository } from "../../git/source-repository.ts";
import { isIn, memoize } from "../affected/source-tree.ts";

/** A monorepo as Git has it, and what Git knows of where it comes from. Paths are from its root. */
export interface Repository {
  /** Relative to the program. */
  readonly root: string;
  /** All files but those that Git ignores, sorted. */
  readonly files: readonly string[];
  /** Whether there is a file, or a directory with one in it. */
  readonly has: (path: string) => boolean;
  /** `undefined`: Git has no such file, or it is too large to be written by hand. */
  readonly read: (path: string) => string | undefined;
  /** The files in a directory, at any depth. */
  readonly under: (directory: string) => readonly string[];
  /** The file of the repository that a link leads to; `undefined`: it is no link, or leads elsewhere. */
  readonly linked: (path: string) => string | undefined;
  /** `owner/name` on GitHub. */
  readonly github: string | undefined;
  /** The branch that its remote has as the default, else the one that is checked out. */
  readonly branch: string | undefined;
  /** The root of the checkout that it is in, as an absolute path. */
  readonly checkout: string;
}

/** @throws SourceRepositoryError where it is in no checkout of Git */
export async function readRepository(root: string): Promise<Repository> {
  const source = await openSourceRepository(root);
  const files = (await source.files()).filter((file) => isFile(join(root, file)));
  return {
    ...repositoryOf(root, files),
    checkout: source.root,
    github: githubName(await ask(root, ["config", "--get", "remote.origin.url"])),
    branch:
      (await ask(root, ["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"]))?.replace(/^origin\//, "") ??
      (await ask(root, ["symbolic-ref", "--quiet", "--short", "HEAD"])),
  };
}

/** @param files without those that are not there */
export function repositoryOf(
  root: string,
  files: readonly string[],
): Omit<Repository, "checkout" | "github" | "branch"> {
  const sorted = files.toSorted();
  const all = new Set(sorted);
  const known = new Set(sorted.flatMap(withParents));
  return {
    root,
    files: sorted,
    has: (path) => path === "." || known.has(path.replace(/\/$/, "")),
    read: memoize((path) => {
      // What Git ignores, such as a file `.env` with passwords, is nobody's to publish.
      if (!all.has(path)) return undefined;
      const size = statSync(join(root, path), { throwIfNoEntry: false })?.size ?? longest;
      return size < longest ? readFileSync(join(root, path), "utf8") : undefined;
    }),
    under: memoize((directory) => sorted.filter((file) => isIn(directory, file))),
    linked: memoize((path) => {
      if (!all.has(path) || !lstatSync(join(root, path)).isSymbolicLink()) return undefined;
      const target = relative(realpathSync(root), realpathSync(join(root, path)))
        .split(sep)
        .join(posix.sep);
      return all.has(target) ? target : undefined;
    }),
  };
}

/** Whether there is one, or a link leads to one. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch (error) {
    if (hasErrorCode(error, "ELOOP")) return false;
    throw error;
  }
}

const longest = 2 ** 20;

function withParents(path: string): string[] {
  return path === "." || path === "" ? [] : [path, ...withParents(posix.dirname(path))];
}

/** The repository's name in the URL of a remote, in any of the forms that Git takes. */
export function githubName(remote: string | undefined): string | undefined {
  return /github\.com(?::\d+)?[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(remote ?? "")?.[1];
}

/** The first line that Git prints; `undefined` where it has no answer. */
export async function ask(root: string, args: readonly string[]): Promise<string | undefined> {
  const answer = await gitAt(root)(args).then(
    (output) => output.toString().trim(),
    () => "",
  );
  return answer === "" ? undefined : answer;
}
