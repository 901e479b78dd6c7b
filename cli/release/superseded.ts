import { existsSync } from "node:fs";
import { deliveredBranch, remoteCommits } from "../../git/delivered-branch.ts";
import { fetchMissing } from "../../git/missing-commits.ts";
import { shortDigest, type Records, type Release } from "../../git/records.ts";
import { reasonAgainst } from "../../git/rejection.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import { memoize } from "../affected/source-tree.ts";
import { openSourceRepository, SourceRepositoryError, type SourceRepository } from "../../git/source-repository.ts";

export interface SourceOrder {
  /** The commit that the images were built from. */
  readonly commit: string;
  /** The monorepo, in a checkout of Git; `undefined`: nobody said where it is. */
  readonly directory: string | undefined;
  /** `github.branch` of the stack file. @default the default branch of the checkout's remote */
  readonly branch?: string | undefined;
  readonly note: (line: string) => void;
  /** By service, the commit whose migration has begun. @default none has */
  readonly migrating?: ReadonlyMap<string, string>;
}

/**
 * Leaves out what a newer commit has released already, or what a rollback took away: pipelines end in any order, and the
 * newest commit wins, which is the one rolled back from until there is a later one. What a forced push has taken from the
 * branch is no longer newer than what is on it. Where the checkout cannot tell which
 * one is newer, the release counts.
 */
export async function dropSuperseded(
  releases: readonly Release[],
  records: Records,
  { commit, directory, branch, note, migrating }: SourceOrder,
): Promise<Release[]> {
  const recorded = new Map(
    releases.map(({ service }) => {
      const begun = migrating?.get(service);
      const migrated =
        begun === undefined || begun === commit ? [] : [{ event: "migrated to", commit: begun } as const];
      return [service, [...recordedCommits(records.get(service), commit), ...migrated]];
    }),
  );
  const others = [...recorded.values()].flat().flatMap((other) => (other.commit === commit ? [] : [other.commit]));
  const source = others.length === 0 ? undefined : await openCheckout(directory);
  await source?.fetchMissing(others);
  // Most services run what the same few commits have made.
  const isNewerThan = memoize(async (other) => source?.repository.isAncestor(commit, other));
  const kept = await Promise.all(
    releases.map(async (release) => {
      const { service, digest } = release;
      const record = records.get(service);
      const { rejected } = record ?? {};
      const isRolledBack = rejected?.sourceCommit !== undefined && rejected.digest === digest;
      if (isRolledBack || reasonAgainst(digest, record) !== undefined) {
        note(`${service} stays as rolled back from ${shortDigest(digest)}, which ${commit} makes, too; ${releaseHint}`);
        return [];
      }
      const compared = await Promise.all(
        (recorded.get(service) ?? []).map(async (other) => ({
          ...other,
          isNewer: other.commit === commit || (await isNewerThan(other.commit)),
        })),
      );
      for (const other of compared.filter(({ isNewer }) => isNewer === undefined))
        note(
          `${service} was ${other.event} ${other.commit}, which this checkout does not know: taken for older than ${commit}`,
        );
      const newer = compared.filter(({ isNewer }) => isNewer === true);
      const dropped = newer.some((other) => other.commit !== commit)
        ? await source?.dropped(commit, branch)
        : undefined;
      for (const other of newer.filter((each) => dropped?.(each.commit) === true))
        note(
          `${service} was ${other.event} ${other.commit}, which is no longer on the branch, where ${commit} is: that counts`,
        );
      const winner = newer.find((other) => dropped?.(other.commit) !== true);
      if (winner === undefined) return [release];
      const than = winner.commit === commit ? "" : `, which is newer than ${commit}`;
      const hint = winner.event === "rolled back from" ? `; ${releaseHint}` : "";
      note(`${service} stays as ${winner.event} ${winner.commit}${than}${hint}`);
      return [];
    }),
  );
  return kept.flat();
}

const releaseHint = "`delivery release` without --source-commit runs it all the same";

/** A commit that the release must be newer than, and what the record says of it. */
interface RecordedCommit {
  readonly event: "released from" | "rolled back from" | "migrated to" | "waiting with";
  readonly commit: string;
}

/** The newest first. */
function recordedCommits(
  { sourceCommit, rejected, waiting }: Partial<ReleaseRecord> = {},
  commit: string,
): RecordedCommit[] {
  const rolledBack = rejected?.sourceCommit;
  return [
    ...(rolledBack === undefined ? [] : [{ event: "rolled back from", commit: rolledBack } as const]),
    ...(waiting?.sourceCommit === undefined || waiting.sourceCommit === commit
      ? []
      : [{ event: "waiting with", commit: waiting.sourceCommit } as const]),
    // The same commit may be released once more.
    ...(sourceCommit === undefined || sourceCommit === commit
      ? []
      : [{ event: "released from", commit: sourceCommit } as const]),
  ];
}

interface Checkout {
  readonly repository: SourceRepository;
  /** Gets what was pushed after this checkout was made. Without access to the remote, it stays unknown. */
  readonly fetchMissing: (commits: readonly string[]) => Promise<void>;
  /**
   * Which commits are no longer on the delivered branch, if this one is.
   * @returns `undefined`: it is not there either, or the remote does not tell
   */
  readonly dropped: (commit: string, branch: string | undefined) => Promise<((other: string) => boolean) | undefined>;
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
    fetchMissing: (commits) => fetchMissing(repository, directory, commits),
    dropped: async (commit, given) => {
      const branch = await deliveredBranch(given, directory).catch((error: unknown) => {
        if (error instanceof SourceRepositoryError) return undefined;
        throw error;
      });
      const commits = branch === undefined ? undefined : await remoteCommits(directory, branch);
      const full = await repository.resolve([commit]);
      if (commits === undefined || !commits.has(full.get(commit) ?? "")) return undefined;
      return (other) => ![...commits].some((known) => known.startsWith(other));
    },
  };
}
