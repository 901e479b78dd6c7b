import type { Git } from "../../git/git-command.ts";

/** Path → by which commit it was changed last: ` in 1a2b3c4 by Ada`. */
export type LastChanges = ReadonlyMap<string, string>;

/**
 * Reads the history of a directory by one process, however many files of it differ: Git takes longer to pick some hundred files
 * out of it than to tell all.
 * @param tip `undefined`: the branch is not there
 */
export function lastChangesIn(git: Git, tip: string | undefined): (directory: string) => Promise<LastChanges> {
  const options = ["--first-parent", "--diff-merges=first-parent", "--root", "--no-renames", "--name-only", "-z"];
  return async (directory) => {
    if (tip === undefined) return new Map();
    const output = await git(["log", ...options, `--format=${mark}%h by %an`, tip, "--", `:(literal)${directory}`]);
    return parseLog(output.toString());
  };
}

/** No path begins like this. */
const mark = "//";

/** The newest commit comes first; then its paths, the first of them on a new line. */
function parseLog(log: string): LastChanges {
  const [, ...commits] = `\0${log}`.split(`\0${mark}`);
  const changes = commits.flatMap((text) => {
    const [commit = "", first = "", ...others] = text.split("\0");
    return [first.replace(/^\n/, ""), ...others].map((path) => [path, ` in ${commit}`] as const);
  });
  // Of several commits of one path the newest counts.
  return new Map(changes.toReversed());
}
