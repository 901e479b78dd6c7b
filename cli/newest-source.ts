import { existsSync } from "node:fs";
import { gitAt } from "../git/git-command.ts";
import type { Records, Release } from "../git/records.ts";
import { openSourceRepository, SourceRepositoryError, type SourceRepository } from "../git/source-repository.ts";

export interface SourceOrder {
  /** The commit that the images were built from. */
  readonly commit: string;
  /** The monorepo, in a checkout of Git; `undefined`: nobody said where it is. */
  readonly directory: string | undefined;
  readonly note: (line: string) => void;
}

/**
 * Leaves out what a newer commit has released already: pipelines end in any order, and the newest commit wins.
 * Where the checkout cannot tell which one is newer, the release counts.
 */
export async function withoutOlder(
  releases: readonly Release[],
  records: Records,
  { commit, directory, note }: SourceOrder,
): Promise<Release[]> {
  const differing = releases.flatMap(({ service }) => {
    const { sourceCommit } = records.get(service) ?? {};
    return sourceCommit === undefined || sourceCommit === commit ? [] : [[service, sourceCommit] as const];
  });
  if (differing.length === 0) return [...releases];
  const source = await openCheckout(directory);
  await source?.fetchMissing(differing.map(([, other]) => other));
  const newer = await Promise.all(
    differing.map(async ([service, other]) => {
      const older = await source?.repository.isAncestor(commit, other);
      if (older === undefined)
        note(
          `${service} was released from ${other}, which this checkout does not know: taken for older than ${commit}`,
        );
      if (older === true) note(`${service} stays as released from ${other}, which is newer than ${commit}`);
      return older === true ? [service] : [];
    }),
  );
  const kept = new Set(newer.flat());
  return releases.filter(({ service }) => !kept.has(service));
}

interface Checkout {
  readonly repository: SourceRepository;
  /** Gets what was pushed after this checkout was made. Without access to the remote, it stays unknown. */
  readonly fetchMissing: (commits: readonly string[]) => Promise<void>;
}

/** `undefined`: there is none, as where a person releases from somewhere else. */
async function openCheckout(directory: string | undefined): Promise<Checkout | undefined> {
  if (directory === undefined || !existsSync(directory)) return undefined;
  const repository = await openSourceRepository(directory).catch((error: unknown) => {
    if (error instanceof SourceRepositoryError) return undefined;
    throw error;
  });
  if (repository === undefined) return undefined;
  return {
    repository,
    fetchMissing: async (commits) => {
      const known = await repository.resolve(commits);
      const missing = [...new Set(commits)].filter((commit) => !known.has(commit));
      if (missing.length > 0)
        await gitAt(directory)(["fetch", "--quiet", "--no-tags", "origin", ...missing]).catch(() => undefined);
    },
  };
}
