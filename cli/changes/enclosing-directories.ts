import { posix } from "node:path";
import type { Concern } from "./concern.ts";
import type { PathPattern } from "./glob.ts";
import type { GoNeeds } from "./go-graph.ts";
import type { NodeNeeds } from "./node-packages.ts";
import { isIn, upwards, type SourceTree } from "./source-tree.ts";

// To Git, a submodule or a symbolic link is one path, whatever is in it.

/** The directories that the service, and the packages that it needs, are or are in, each with the most that is in it. */
export function enclosingDirectories(
  directory: string,
  go: GoNeeds | undefined,
  node: NodeNeeds | undefined,
): ReadonlyMap<string, Concern["part"]> {
  const moduleFiles = [...(go?.modules.files ?? [])].map((file) => posix.dirname(file));
  const image = [directory, ...moduleFiles, ...(go?.image ?? []), ...(node?.packages ?? [])];
  const parts = new Map<string, Concern["part"]>();
  for (const at of go?.tests ?? []) for (const around of upwards(at)) parts.set(around, "tests");
  for (const at of image) for (const around of upwards(at)) parts.set(around, "image");
  return parts;
}

/** Whether a path is a directory in which a pattern may mean something. */
export function holdsSomeOf({ root, reachesInto }: PathPattern, tree: SourceTree, path: string): boolean {
  const kind = tree.kind(path);
  if (kind === "file") return false;
  // What was removed may have been a directory.
  return isIn(path, root) || (kind === "directory" && reachesInto(path));
}
