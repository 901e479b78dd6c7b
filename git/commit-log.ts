import type { Git } from "./git-command.ts";

/** A commit of the source's history. */
export interface SourceCommit {
  readonly id: string;
  readonly parents: readonly string[];
  /** When it was committed, ISO 8601 in UTC. */
  readonly at: string;
  readonly message: string;
  /** The files of the monorepo that it changes, relative to its root; of a merge, those that differ from all its parents. */
  readonly files: readonly string[];
}

/**
 * The commits that one commit has and another has not, newest first. Merges are among them: what only they change is nowhere else.
 * @param from its id, or nothing: the whole history
 * @param prefix where the monorepo is in the repository: empty, or a path that ends with `/`
 */
export async function readCommits(
  git: Git,
  from: string | undefined,
  to: string,
  prefix: string,
): Promise<readonly SourceCommit[]> {
  const range = from === undefined ? [to] : [to, `^${from}`];
  // A message has no NUL in it, and everything else.
  const output = await git(["log", "-z", "--topo-order", "--format=%H%n%P%n%ct%n%B", ...range, "--"]);
  const commits = output
    .toString()
    .split("\0")
    .filter((text) => text !== "")
    .map(parseCommit);
  const files = await changedFiles(
    git,
    commits.map(({ id }) => id),
  );
  return commits.map((commit) => ({
    ...commit,
    files: (files.get(commit.id) ?? []).flatMap((file) => (file.startsWith(prefix) ? [file.slice(prefix.length)] : [])),
  }));
}

function parseCommit(text: string): Omit<SourceCommit, "files"> {
  const [id = "", parents = "", seconds = "", ...message] = text.split("\n");
  return {
    id,
    parents: parents.split(" ").filter((parent) => parent !== ""),
    at: new Date(Number(seconds) * 1000).toISOString(),
    message: message.join("\n").trim(),
  };
}

/** By one process for all. */
async function changedFiles(git: Git, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  if (ids.length === 0) return new Map();
  const options = ["--stdin", "--root", "-r", "-c", "-z", "--name-only", "--no-renames", "--ignore-submodules=none"];
  const output = await git(["diff-tree", ...options], `${ids.join("\n")}\n`);
  const known = new Set(ids);
  const files = new Map<string, string[]>();
  let current: string[] = [];
  for (const part of output.toString().split("\0")) {
    if (known.has(part)) files.set(part, (current = []));
    else if (part !== "") current.push(part);
  }
  return files;
}
