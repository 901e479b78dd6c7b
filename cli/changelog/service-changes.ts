import { fetchMissing } from "../../git/missing-commits.ts";
import type { SourceCommit } from "../../git/commit-log.ts";
import { imagesAffectedBy } from "../affected/affected-services.ts";
import { memoize } from "../affected/source-tree.ts";
import { repositoryOf, type Monorepo } from "../project/monorepo.ts";
import { describeCommit, pullRequestOf, type DescribedCommit } from "./conventional-commit.ts";

/** The commits between which a service is looked at. */
export interface CommitRange {
  readonly service: string;
  /** Without it, there is nothing to compare with, and `reason` says why. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Why one of them is missing, as a part of a sentence. */
  readonly reason?: string;
}

/** A commit that changes the image of a service. */
export interface Change extends DescribedCommit {
  /** The commit, in full. */
  readonly id: string;
  readonly at: string;
  /** That which brought it to the delivered branch; `null`: none, as far as messages say. */
  readonly pullRequest: number | null;
  /** By which file, or shared code, it affects the service. */
  readonly reason: string;
}

/** What of a service's image is other at one commit than at another. */
export interface ServiceChanges {
  readonly service: string;
  readonly from: string | null;
  readonly to: string | null;
  /** Newest first. */
  readonly changes: readonly Change[];
  /** What the first commit has and the second has not: it would be taken back. */
  readonly takenBack: readonly Change[];
  /** Why nothing is known of it; `null`: what is said is all. */
  readonly unknown: string | null;
}

/**
 * The commits that concern each service: by the same graph as `changes`, of the working tree. Those of which only its tests
 * change are left out, and merges, unless they change something themselves.
 * @throws SourceRepositoryError if the monorepo is in no checkout
 */
export async function changesOfServices(
  monorepo: Monorepo,
  ranges: readonly CommitRange[],
): Promise<readonly ServiceChanges[]> {
  const repository = await repositoryOf(monorepo);
  const named = ranges.flatMap(({ from, to }) => [from, to].filter((commit) => commit !== undefined));
  await fetchMissing(repository, monorepo.root, named.filter(isId));
  const ids = await repository.resolve(named);
  const affectedBy = await imagesAffectedBy(monorepo);
  const reasonsOf = memoize((files: string) => affectedBy(files.split("\0")));
  const read = memoize((range: string) => {
    const [from = "", to = ""] = range.split(" ");
    return repository.commits(from, to).then(describeAll);
  });
  const between = async (service: string, from: string, to: string): Promise<readonly Change[]> =>
    (await read(`${from} ${to}`)).flatMap(({ files, ...commit }) => {
      const reason = files.length === 0 ? undefined : reasonsOf(files.join("\0")).get(service);
      return reason === undefined ? [] : [{ ...commit, reason }];
    });
  return Promise.all(
    ranges.map(async ({ service, from: fromName, to: toName, reason }) => {
      const [from, to] = [fromName, toName].map((name) => (name === undefined ? undefined : ids.get(name)));
      const none = { service, from: from ?? fromName ?? null, to: to ?? toName ?? null, changes: [], takenBack: [] };
      if (fromName === undefined || toName === undefined)
        return { ...none, unknown: reason ?? "nothing to compare with" };
      if (from === undefined || to === undefined)
        return {
          ...none,
          unknown: `${from === undefined ? fromName : toName} is not known in ${monorepo.root}; fetch it`,
        };
      const [changes, takenBack] = await Promise.all([between(service, from, to), between(service, to, from)]);
      return { ...none, changes, takenBack, unknown: null };
    }),
  );
}

function isId(name: string): boolean {
  return /^[0-9a-f]{40,64}$/.test(name);
}

type ReadChange = Omit<Change, "reason"> & Pick<SourceCommit, "files">;

function describeAll(commits: readonly SourceCommit[]): readonly ReadChange[] {
  const pullRequests = pullRequestsOf(commits);
  return commits.map(({ id, at, message, files }) => ({
    ...describeCommit(message),
    id,
    at,
    pullRequest: pullRequests.get(id) ?? null,
    files,
  }));
}

/** By commit. What was merged into a branch that was merged itself counts to the latter, which is what people have approved. */
function pullRequestsOf(commits: readonly SourceCommit[]): ReadonlyMap<string, number> {
  const known = new Map(commits.map((commit) => [commit.id, commit]));
  const behind = (starts: readonly string[], without: ReadonlySet<string>): Set<string> => {
    const found = new Set(starts.filter((start) => known.has(start) && !without.has(start)));
    // Iterating over a Set also visits what is added meanwhile.
    for (const id of found)
      for (const parent of known.get(id)?.parents ?? [])
        if (known.has(parent) && !without.has(parent)) found.add(parent);
    return found;
  };
  const numbers = new Map<string, number>();
  // The newest come first, so that the outermost merge does.
  for (const { id, parents, message } of commits) {
    const brought = pullRequestOf(message);
    if (brought === undefined || numbers.has(id)) continue;
    numbers.set(id, brought.number);
    if (!brought.isMerge) continue;
    const [base = "", ...heads] = parents;
    for (const each of behind(heads, behind([base], new Set())))
      if (!numbers.has(each)) numbers.set(each, brought.number);
  }
  return numbers;
}
