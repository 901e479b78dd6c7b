import { posix } from "node:path";
import { alternatives, glob } from "./glob.ts";
import type { SourceTree } from "./source-tree.ts";

/**
 * The directories that a glob of the members of a workspace means. Reads only those on the way to what its parts mean; those of
 * hidden and installed files never.
 */
export function globbedDirectories(tree: SourceTree, root: string, pattern: string): string[] {
  // A choice may have several directories in it: `packages/{web,shared/ui}`.
  return [...new Set(alternatives(pattern).flatMap((one) => directoriesOf(tree, root, one)))];
}

function directoriesOf(tree: SourceTree, root: string, pattern: string): string[] {
  const given = pattern.replace(/^\.\//, "").split("/");
  const parts = given.filter(
    (part, index) => part !== "" && part !== "." && !(part === "**" && given[index - 1] === "**"),
  );
  const found = new Set<string>();
  // By directory and the number of parts that have led there: several ways lead to the same, each of which is gone once.
  const seen = new Set<string>();
  const visit = (directory: string, index: number): void => {
    const key = `${index} ${directory}`;
    if (seen.has(key)) return;
    seen.add(key);
    const part = parts[index];
    if (part === undefined) return void found.add(directory);
    const below = tree.list(directory).directories.filter((name) => name !== "node_modules" && !name.startsWith("."));
    if (part === "**") {
      visit(directory, index + 1);
      for (const name of below) visit(posix.join(directory, name), index);
      return;
    }
    if (part === "..") return visit(posix.join(directory, part), index + 1);
    const matches = glob(part);
    for (const name of below.filter(matches)) visit(posix.join(directory, name), index + 1);
  };
  visit(root, 0);
  return [...found].filter((at) => at !== ".." && !at.startsWith("../"));
}
