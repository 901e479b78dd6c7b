import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sourceGit, type SourceAccess } from "../../stand-ins/source-repository.ts";

/** A clone of the source repository, as a developer has one. */
export interface Clone extends SourceAccess {
  /** Where the clone is. */
  readonly directory: string;
}

/** Clones the newest commit of the default branch. */
export async function cloneSource(clone: Clone): Promise<void> {
  await git(clone, ["clone", "--quiet", "--depth=1", clone.url, clone.directory]);
}

/** What becomes of one file. */
export interface FileEdit {
  readonly file: string;
  readonly change: (content: string) => string;
}

/**
 * Edits files, and commits.
 * @returns the commit's id
 */
export async function commitEdits(clone: Clone, edits: readonly FileEdit[], subject: string): Promise<string> {
  const changed = edits.filter(({ file, change }) => {
    const path = join(clone.directory, file);
    const before = readFileSync(path, "utf8");
    const after = change(before);
    writeFileSync(path, after);
    return after !== before;
  });
  if (changed.length === 0)
    throw new Error(`${edits.map(({ file }) => file).join(", ")}: nothing to edit; the commit would be empty`);
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

/** Whether there is something to commit. */
export async function hasChanges(clone: Clone): Promise<boolean> {
  return (await git(clone, ["-C", clone.directory, "status", "--porcelain"])) !== "";
}

/** Goes on from the newest commit of the default branch. @returns its id */
export async function pullMain(clone: Clone): Promise<string> {
  await git(clone, ["-C", clone.directory, "fetch", "--quiet", "--depth=2", "origin", "main"]);
  await git(clone, ["-C", clone.directory, "reset", "--quiet", "--hard", "FETCH_HEAD"]);
  return git(clone, ["-C", clone.directory, "rev-parse", "HEAD"]);
}

function git(clone: Clone, args: readonly string[]): Promise<string> {
  return sourceGit(clone, "developer")(args);
}
