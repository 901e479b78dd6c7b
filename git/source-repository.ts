import { readCommits, type SourceCommit } from "./commit-log.ts";
import { GitError, gitAt, type Git } from "./git-command.ts";
import { changesAlong } from "./tree-chain.ts";

/** The checkout cannot be read: the directory, the reason and what to do. */
export class SourceRepositoryError extends Error {
  override readonly name = "SourceRepositoryError";
}

/** The source's history, as far as this checkout has it. Commits are what Git takes for one: an id, `HEAD`, a branch. */
export interface SourceRepository {
  /** The root of the checkout. */
  readonly root: string;
  /** Where the monorepo is in it: empty, or a path that ends with `/`. */
  readonly prefix: string;
  /** The files of the monorepo, relative to its root, but for those that Git ignores. */
  files(): Promise<readonly string[]>;
  /** Those of the paths that Git would ignore, whether they are there or not. */
  ignored(paths: readonly string[]): Promise<ReadonlySet<string>>;
  /** The ids of those of the commits that are known here: not after a forced push, beyond a shallow clone, or for 0000…. */
  resolve(commits: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /**
   * The files of the monorepo that differ between each base and a commit, relative to its root; a renamed file counts at both
   * paths. A base that is not known is left out.
   * @throws SourceRepositoryError if the commit itself is not known
   */
  changedSince(bases: readonly string[], commit: string): Promise<ReadonlyMap<string, readonly string[]>>;
  /**
   * The commits that one has and the other has not, newest first.
   * @param from an id. @default the whole history counts
   * @throws GitError if one of them is not known here
   */
  commits(from: string | undefined, to: string): Promise<readonly SourceCommit[]>;
  /** Those of the candidates that the commit has among its ancestors, or is itself. */
  ancestorsOf(commit: string, candidates: readonly string[]): Promise<ReadonlySet<string>>;
  /** @returns `undefined`: one of them is not known, or the clone is too shallow to tell */
  isAncestor(ancestor: string, commit: string): Promise<boolean | undefined>;
  /** @returns `undefined`: they have none, or it is not known here */
  mergeBase(one: string, other: string): Promise<string | undefined>;
}

/**
 * @param directory the monorepo: what is outside of it does not count
 * @throws SourceRepositoryError if it is in no checkout of Git
 */
export async function openSourceRepository(directory: string): Promise<SourceRepository> {
  const git = gitAt(directory);
  const answer = await git(["rev-parse", "--show-toplevel", "--show-prefix", "--is-shallow-repository"]).catch(
    (error: unknown) => {
      throw explained(error, directory);
    },
  );
  const [root = "", prefix = "", shallow] = answer.toString().split("\n");
  const ancestorsOf: SourceRepository["ancestorsOf"] = (commit, candidates) => ancestors(git, commit, candidates);
  return {
    root,
    prefix,
    files: async () =>
      (await git(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))
        .toString()
        .split("\0")
        .filter((file) => file !== ""),
    ignored: async (paths) => {
      if (paths.length === 0) return new Set();
      const output = await git(["check-ignore", "--no-index", "-z", "--stdin"], paths.join("\0")).catch(
        (error: unknown) => {
          // It fails where it ignores none.
          if (error instanceof GitError && error.output === "") return "";
          throw error;
        },
      );
      return new Set(output.toString().split("\0"));
    },
    resolve: async (commits) => (await lookUp(git, commits)).ids,
    changedSince: (bases, commit) => changes(git, bases, commit),
    commits: (from, to) => readCommits(git, from, to, prefix),
    ancestorsOf,
    isAncestor: async (ancestor, commit) => {
      const { ids: known } = await lookUp(git, [ancestor, commit]);
      if (!known.has(ancestor) || !known.has(commit)) return undefined;
      if ((await ancestorsOf(commit, [ancestor])).has(ancestor)) return true;
      return shallow === "true" ? undefined : false;
    },
    mergeBase: async (one, other) => {
      const { ids: known } = await lookUp(git, [one, other]);
      const ids = [known.get(one), known.get(other)].filter((id) => id !== undefined);
      if (ids.length < 2) return undefined;
      return git(["merge-base", ...ids]).then(
        (output) => output.toString().trim(),
        // It says nothing if there is none.
        (error: unknown) => {
          if (error instanceof GitError && error.output === "") return undefined;
          throw error;
        },
      );
    },
  };
}

/** What is behind names of commits; those that are not there are left out. */
interface FoundCommits {
  readonly ids: ReadonlyMap<string, string>;
  /** The ids of their trees. */
  readonly trees: ReadonlyMap<string, string>;
}

/** By one process for all. */
async function lookUp(git: Git, commits: readonly string[]): Promise<FoundCommits> {
  // A name that is a line of its own cannot be an option.
  const names = [...new Set(commits)].filter((name) => name !== "" && !name.includes("\n") && !/^0{40,}$/.test(name));
  if (names.length === 0) return { ids: new Map(), trees: new Map() };
  const asked = names.flatMap((name) => [`${name}^{commit}\n`, `${name}^{tree}\n`]);
  const lines = (await git(["cat-file", "--batch-check"], asked.join(""))).toString().split("\n");
  const found = (offset: number): ReadonlyMap<string, string> =>
    new Map(
      names.flatMap((name, index) => {
        const [, id] = /^([0-9a-f]{40,64}) \w+ \d+$/.exec(lines[2 * index + offset] ?? "") ?? [];
        return id === undefined ? [] : [[name, id] as const];
      }),
    );
  return { ids: found(0), trees: found(1) };
}

async function changes(
  git: Git,
  bases: readonly string[],
  commit: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { ids, trees } = await lookUp(git, [...bases, commit]);
  const tree = trees.get(commit);
  if (tree === undefined)
    throw new SourceRepositoryError(
      `${JSON.stringify(commit)} is no commit of this checkout; fetch it, or correct the name`,
    );
  const treeOf = new Map(bases.flatMap((base) => pairOf(ids.get(base), trees.get(base))));
  const order = await newestFirst(git, [...treeOf.keys()]);
  const chain = [...new Set([tree, ...order.flatMap((id) => treeOf.get(id) ?? [])])];
  const along = await changesAlong(git, chain);
  const files = new Map(chain.flatMap((at, index) => pairOf(at, along[index])));
  return new Map(bases.flatMap((base) => pairOf(base, files.get(trees.get(base) ?? ""))));
}

/** Nothing if there is not both. */
function pairOf<T>(key: string | undefined, value: T | undefined): (readonly [string, T])[] {
  return key === undefined || value === undefined ? [] : [[key, value]];
}

/** Neighbours differ least in this order. */
async function newestFirst(git: Git, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length < 2) return ids;
  const output = await git(["rev-list", "--no-walk=sorted", "--stdin"], ids.join("\n"));
  return output.toString().trim().split("\n");
}

async function ancestors(git: Git, commit: string, candidates: readonly string[]): Promise<ReadonlySet<string>> {
  const { ids: known } = await lookUp(git, [...candidates, commit]);
  const id = known.get(commit);
  if (id === undefined) return new Set();
  const ids = new Set(candidates.flatMap((candidate) => known.get(candidate) ?? []));
  // What the commit does not reach includes every candidate that it does not reach.
  const output = await git(["rev-list", "--stdin"], [...ids, `^${id}`].join("\n"));
  const unreached = new Set(output.toString().split("\n"));
  return new Set(
    candidates.filter((candidate) => {
      const found = known.get(candidate);
      return found !== undefined && !unreached.has(found);
    }),
  );
}

function explained(error: unknown, directory: string): unknown {
  if (!(error instanceof GitError)) return error;
  if (/dubious ownership/.test(error.output))
    return new SourceRepositoryError(
      `${directory} belongs to another user, so Git does not read it; allow it with \`git config --global --add safe.directory DIRECTORY\``,
    );
  if (/not a git repository/i.test(error.output))
    return new SourceRepositoryError(
      `${directory} is in no checkout of Git; run this in a clone of the source repository`,
    );
  return new SourceRepositoryError(`${directory}: ${error.output.trim()}`);
}
