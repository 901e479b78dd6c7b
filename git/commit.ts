import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git-command.ts";
import { DeployRepositoryError } from "./git-failure.ts";
import { hasContent, type Snapshot } from "./snapshot.ts";

/** What one commit does. */
export interface Change {
  /** Path from the root → content. */
  readonly write: Readonly<Record<string, string>>;
  /** Paths to remove; those that are not there are left out. */
  readonly remove?: readonly string[];
  readonly message: string;
  /**
   * Where commits are signed: this one vouches for all that is there, and is not held up by an unsigned one below it.
   * @default false
   */
  readonly seals?: boolean;
}

/** Makes a commit of a tree. @param args of `git commit-tree` */
export type CommitTree = (args: readonly string[], message: string, change: Change) => Promise<string>;

/**
 * Makes the commit on top of the snapshot, in the local Git directory only.
 * @param commitTree @default an unsigned commit
 * @returns `undefined` if all of it is in the snapshot already
 */
export async function makeCommit(
  git: Git,
  directory: string,
  snapshot: Snapshot,
  change: Change,
  commitTree: CommitTree = async (args, message) => (await git(["commit-tree", ...args], message)).toString().trim(),
): Promise<string | undefined> {
  const writes = Object.entries(change.write).filter(([path, content]) => !hasContent(snapshot, path, content));
  const removes = (change.remove ?? []).filter(
    (path) => snapshot.entries.has(path) && change.write[path] === undefined,
  );
  if (writes.length === 0 && removes.length === 0) return undefined;
  assertNoObstacles(snapshot, Object.keys(change.write), new Set(removes));
  const objects = await writeObjects(
    git,
    directory,
    writes.map(([, content]) => content),
  );
  await git(["read-tree", snapshot.commit ?? "--empty"]);
  const nothing = "0".repeat(40);
  const lines = [
    ...removes.map((path) => `0 ${nothing}\t${path}\0`),
    ...writes.map(([path], index) => `100644 ${objects[index]}\t${path}\0`),
  ];
  await git(["update-index", "-z", "--index-info"], lines.join(""));
  const tree = (await git(["write-tree"])).toString().trim();
  const parent = snapshot.commit === undefined ? [] : ["-p", snapshot.commit];
  return commitTree([tree, ...parent, "-F", "-"], change.message, change);
}

/**
 * Git itself would silently replace a file by a directory of the same name, or a directory by a file.
 * @throws DeployRepositoryError that names the first one
 */
function assertNoObstacles(snapshot: Snapshot, paths: readonly string[], removed: ReadonlySet<string>): void {
  const kept = [...snapshot.entries.keys()].filter((path) => !removed.has(path));
  const files = new Set(kept);
  const directories = new Set(kept.flatMap(parentsOf));
  const inTheWay = paths.flatMap((path) =>
    directories.has(path) ? [path] : parentsOf(path).filter((parent) => files.has(parent)),
  );
  const [first] = inTheWay;
  if (first === undefined) return;
  throw new DeployRepositoryError(
    `${first} in the deploy repository is ${directories.has(first) ? "a directory" : "a file"} that someone else has put there; nothing was changed. Move it away, or choose another environment or branch`,
  );
}

/** `a/b/c` → `a`, `a/b`. */
function parentsOf(path: string): string[] {
  const segments = path.split("/").slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
}

/** One process for all contents, however many there are. */
async function writeObjects(git: Git, directory: string, contents: readonly string[]): Promise<string[]> {
  if (contents.length === 0) return [];
  const folder = join(directory, "contents");
  await mkdir(folder, { recursive: true });
  const files = contents.map((_, index) => join(folder, String(index)));
  for (const [index, file] of files.entries()) await writeFile(file, contents[index] ?? "");
  const names = await git(
    ["hash-object", "-w", "--no-filters", "--stdin-paths"],
    files.map((file) => `${file}\n`).join(""),
  );
  await rm(folder, { recursive: true });
  return names.toString().trim().split("\n");
}
