import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { outputOf } from "../../core/process.ts";
import { ask } from "../../cli/init/repository.ts";
import { openSourceRepository } from "../../git/source-repository.ts";

/** What is delivered of a monorepo: the commit that is checked out. */
export interface Head {
  /** The root of the checkout that the monorepo is in. */
  readonly root: string;
  /** Where the monorepo is in it: empty, or a path that ends with `/`. */
  readonly prefix: string;
  readonly commit: string;
  /** The first line of its message. */
  readonly subject: string;
  /** How many files of the checkout differ from it, or are new. */
  readonly uncommitted: number;
}

/** Nothing is written into the user's repository: Git would keep there what it has found out, and get large files. */
const readOnly = { GIT_OPTIONAL_LOCKS: "0", GIT_LFS_SKIP_SMUDGE: "1" };

/** @throws Error where it is in no checkout of Git, or nothing is committed */
export async function readHead(directory: string): Promise<Head> {
  const { root, prefix } = await openSourceRepository(directory);
  const commit = await ask(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
  if (commit === undefined)
    throw new Error(`${root} has no commit: what is delivered is what Git has; commit your services`);
  const status = await outputOf("git", ["-C", root, "status", "--porcelain", "--untracked-files=all"], {
    env: { ...process.env, ...readOnly },
  });
  return {
    root,
    prefix,
    commit,
    subject: (await ask(root, ["log", "-1", "--format=%s", commit])) ?? "",
    uncommitted: status.split("\n").filter((line) => line !== "").length,
  };
}

/**
 * Writes the files of a commit into a directory, in place of what is there. The user's repository is only read: an index of
 * our own, and a work tree elsewhere.
 * @param target its `.git` stays
 */
export async function takeSnapshot({ root, commit }: Pick<Head, "root" | "commit">, target: string): Promise<void> {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(target))
    if (entry !== ".git") rmSync(join(target, entry), { recursive: true, force: true });
  using index = temporaryDirectory("delivery-index-");
  const gitDirectory = await ask(root, ["rev-parse", "--absolute-git-dir"]);
  const env = { ...process.env, ...readOnly, GIT_INDEX_FILE: join(index.path, "index") };
  const git = (args: readonly string[]): Promise<string> =>
    outputOf("git", [`--git-dir=${gitDirectory}`, `--work-tree=${target}`, ...args], { env, cwd: target });
  await git(["read-tree", commit]);
  await git(["checkout-index", "--all", "--force"]);
  // A repository of its own, whose files are those of the commit, whatever its .gitignore says.
  const own = (args: readonly string[]): Promise<string> => outputOf("git", ["-C", target, ...args]);
  if (!existsSync(join(target, ".git"))) await own(["init", "--quiet", "--initial-branch=main"]);
  await own(["add", "--all", "--force"]);
}

/** Whether the monorepo has parts that are repositories of their own, which a snapshot leaves empty. */
export function hasSubmodules(target: string): boolean {
  return existsSync(join(target, ".gitmodules"));
}
