import { remoteOf } from "../../git/delivered-branch.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records } from "../../git/records.ts";
import type { SourceRepository } from "../../git/source-repository.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Monorepo } from "../project/monorepo.ts";

/** The commits between which services are compared. */
export interface AffectedArgs {
  readonly monorepo: Monorepo;
  /** The base of the services that `releasedFrom` says nothing of. @default unknown */
  readonly from?: string | undefined;
  readonly to: string;
  /**
   * The commits that what runs of a service, and what a rollback took away, were built from.
   * @default none: `from` counts for all
   */
  readonly releasedFrom?: ReleasedFrom | undefined;
  /** Called if the working tree, in which the services and what they are made of are looked up, is not that of `to`. */
  readonly note?: ((line: string) => void) | undefined;
}

/** What an environment has of a service; `unreleased`: nothing runs of it yet; `undefined`: nothing is recorded there. */
export type ReleasedFrom = (service: string) => SourceCommits | "unreleased" | undefined;

/** What a service was built from. The newest commit that `to` descends from is the base of the comparison. */
interface SourceCommits {
  /** What runs was built from it. @default nobody said */
  readonly running?: string | undefined;
  /** What a rollback took away was built from it: a newer one. @default there was none, or nobody said */
  readonly rejected?: string | undefined;
}

/** A commit, or why there is none to compare with. */
type Base = string | { readonly unknown: string };
export const unreleased: Base = { unknown: "not released yet" };
export const isCommit = (base: Base): base is string => typeof base === "string";
export const unknownBase = (base: string): string => `base ${base === "" ? "" : `${base.slice(0, 12)} `}unknown`;

/**
 * What each service is compared with. Where a release is recorded, only what it was built from will do, and only if that
 * leads to `to`: a push before `to` says nothing of what runs, since its pipeline may have failed, or its branch may have
 * been set back.
 */
export async function basesOf(
  { monorepo, from = "", to, releasedFrom }: AffectedArgs,
  repository: SourceRepository,
): Promise<ReadonlyMap<string, Base>> {
  const released = monorepo.services.map(({ name }) => [name, releasedFrom?.(name)] as const);
  const commits = new Set(released.flatMap(([, at]) => (typeof at === "object" ? commitsOf(at) : [])));
  const behind = commits.size === 0 ? commits : await repository.ancestorsOf(to, [...commits]);
  const ahead = await descendants(
    repository,
    to,
    [...commits].filter((commit) => !behind.has(commit)),
  );
  return new Map(
    released.map(([name, at]): [string, Base] => {
      if (at === undefined) return [name, from];
      if (at === "unreleased") return [name, unreleased];
      const base = commitsOf(at).find((commit) => behind.has(commit));
      // What runs is newer than an outdated pipeline, which releases nothing of it.
      return [name, base ?? (commitsOf(at).some((commit) => ahead.has(commit)) ? from : foreign(at))];
    }),
  );
}

/** Those of the commits that descend from another. */
async function descendants(
  repository: SourceRepository,
  of: string,
  commits: readonly string[],
): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    commits.map(async (commit) => ((await repository.ancestorsOf(commit, [of])).has(of) ? [commit] : [])),
  );
  return new Set(found.flat());
}

function foreign(released: SourceCommits): Base {
  const [commit] = commitsOf(released);
  if (commit === undefined) return { unknown: "its release names no source commit" };
  return { unknown: `released from ${commit.slice(0, 12)}, which does not lead here` };
}

/** The newest first: what a rollback took away is newer than what runs. */
function commitsOf({ running, rejected }: SourceCommits): string[] {
  return [rejected, running].filter((commit) => commit !== undefined);
}

/**
 * Where a branch left the delivered one, as a clone by CI knows that; a commit of the delivered branch left it at itself.
 * @returns `undefined`: it is not known here
 */
export async function branchPoint(
  repository: SourceRepository,
  to: string,
  deliveredBranch: string,
): Promise<string | undefined> {
  const remote = (await remoteOf(repository.root)) ?? "origin";
  return (
    (await repository.mergeBase(to, `${remote}/${deliveredBranch}`)) ??
    (await repository.mergeBase(to, deliveredBranch))
  );
}

/** Reads from the release records what each service of an environment was built from. */
export async function readReleasedFrom(environment: DeliveryEnvironment, watched: boolean): Promise<ReleasedFrom> {
  const records = await readBranch(environment, (snapshot) => readRecords(snapshot, environment.directory));
  return releasedFromRecords(records, watched);
}

/**
 * What each service of an environment was built from, as its release record says.
 * @param watched whether a watcher of the registry releases: it sees images, so that its records never name a commit
 */
export function releasedFromRecords(records: Records, watched: boolean): ReleasedFrom {
  return (service) => {
    const { image, sourceCommit, rejected } = records.get(service) ?? {};
    if (image === undefined) return "unreleased";
    if (watched && sourceCommit === undefined && rejected?.sourceCommit === undefined) return undefined;
    return { running: sourceCommit, rejected: rejected?.sourceCommit };
  };
}
