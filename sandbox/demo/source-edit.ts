import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gitEnvironment } from "../git-server/repositories.ts";

/** A clone of the source repository, as a developer has one. */
export interface Clone {
  /** The source repository. */
  readonly url: string;
  /** Who pushes. */
  readonly user: string;
  readonly token: string;
  /** Where the clone is. */
  readonly directory: string;
}

const run = promisify(execFile);

/** Clones the newest commit of the default branch. */
export async function cloneSource(clone: Clone): Promise<void> {
  await git(clone, ["clone", "--quiet", "--depth=1", clone.url, clone.directory]);
}

/**
 * Edits one file, and commits.
 * @returns the commit's id
 */
export async function commitEdit(
  clone: Clone,
  path: string,
  edit: (content: string) => string,
  subject: string,
): Promise<string> {
  const file = join(clone.directory, path);
  const before = readFileSync(file, "utf8");
  const after = edit(before);
  if (after === before) throw new Error(`${path} has nothing to edit: the commit would be empty`);
  writeFileSync(file, after);
  return commitAll(clone, subject);
}

/** @returns the commit's id */
export async function commitAll(clone: Clone, subject: string): Promise<string> {
  await git(clone, ["-C", clone.directory, "add", "--all"]);
  await git(clone, ["-C", clone.directory, "commit", "--quiet", "--message", subject]);
  return git(clone, ["-C", clone.directory, "rev-parse", "HEAD"]);
}

/** @param branch the branch there. @default the default branch */
export async function push(clone: Clone, branch = "main"): Promise<void> {
  await git(clone, ["-C", clone.directory, "push", "--quiet", "origin", `HEAD:refs/heads/${branch}`]);
}

/** The token is answered to Git's question for it: arguments are visible to every user of the machine. */
async function git({ user, token }: Clone, args: readonly string[]): Promise<string> {
  const helper = "!f() { echo username=$DEMO_USER; echo password=$DEMO_TOKEN; }; f";
  const developer = ["-c", "user.name=Developer", "-c", "user.email=developer@localhost"];
  const { stdout } = await run("git", [...developer, "-c", `credential.helper=${helper}`, ...args], {
    env: { ...process.env, ...gitEnvironment, DEMO_USER: user, DEMO_TOKEN: token },
  });
  return stdout.trim();
}
