import { GitError } from "../../git/git-command.ts";
import { fetchMissing } from "../../git/missing-commits.ts";
import { remoteTags } from "../../git/remote-tags.ts";
import type { Records } from "../../git/records.ts";
import { changesOfServices } from "../changelog/service-changes.ts";
import { CommandError } from "../command.ts";
import type { GitHubRefs } from "../github/refs.ts";
import { repositoryOf, type Monorepo } from "../project/monorepo.ts";
import { firstVersion, highestVersion, nextVersion, tagOf, versionsOf, type TaggedVersion } from "./next-version.ts";

/** What has become of the version of a service. */
export interface ServiceVersion {
  readonly service: string;
  /** Such as `link/v1.4.0`; `null`: it has none. */
  readonly tag: string | null;
  /** The commit of the monorepo that what runs was built from. */
  readonly commit: string | null;
  readonly created: boolean;
  /** Why no tag was made, where it has none; `null`: it has one. */
  readonly reason: string | null;
}

interface TagArgs {
  readonly monorepo: Monorepo;
  /** Of the environment whose services get versions. */
  readonly records: Records;
  /** The monorepo's; its token may write contents, and reads tags where Git has no login. */
  readonly refs: GitHubRefs;
}

/** Whoever makes a version at the same moment wins; after so many times, something else is wrong. */
const attempts = 3;

/**
 * Gives the commit that each service was built from the tag of its next version. A commit that has a version of the service
 * keeps that; a tag is never moved, and what is older than a version gets none.
 * @throws CommandError where tags appear faster than they are read
 */
export async function tagServices(args: TagArgs): Promise<readonly ServiceVersion[]> {
  const { monorepo, records } = args;
  const repository = await repositoryOf(monorepo);
  const commits = [...records.values()].flatMap(({ sourceCommit }) => sourceCommit ?? []);
  await fetchMissing(repository, monorepo.root, commits);
  for (let attempt = 0; ; attempt += 1) {
    const planned = await plan(args);
    const made = await createAll(planned, args.refs);
    if (made !== undefined) return made;
    if (attempt === attempts)
      throw new CommandError("somebody else makes versions of the same services at this moment; run this again");
  }
}

interface Planned extends ServiceVersion {
  /** The tag to be made. */
  readonly wanted: string | null;
}

/** @returns `undefined`: somebody else has made one of them in the meantime */
async function createAll(
  planned: readonly Planned[],
  refs: GitHubRefs,
): Promise<readonly ServiceVersion[] | undefined> {
  const made: ServiceVersion[] = [];
  for (const { wanted, ...version } of planned) {
    if (wanted === null || version.commit === null) made.push(version);
    else if (await refs.create(`tags/${wanted}`, version.commit)) made.push({ ...version, tag: wanted, created: true });
    else return undefined;
  }
  return made;
}

async function plan({ monorepo, records, refs }: TagArgs): Promise<readonly Planned[]> {
  const repository = await repositoryOf(monorepo);
  const tags = await remoteTags(monorepo.root, "refs/tags/*/v*").catch((error: unknown) => {
    // Some engines' jobs have a login of Git's only while they check out.
    if (error instanceof GitError) return refs.tags("/v");
    throw error;
  });
  await fetchMissing(repository, monorepo.root, [...tags.values()]);
  const ids = await repository.resolve([...records.values()].flatMap(({ sourceCommit }) => sourceCommit ?? []));
  const candidates = await Promise.all(
    [...records].map(async ([service, { image, sourceCommit, verification }]) => {
      const none = { service, tag: null, commit: sourceCommit ?? null, created: false, wanted: null };
      if (image === undefined) return { ...none, reason: "nothing of it runs yet" };
      if (verification?.state === "pending") return { ...none, reason: "it has yet to prove itself" };
      if (verification?.state === "failed") return { ...none, reason: "it has not proved itself" };
      const commit = ids.get(sourceCommit ?? "");
      if (commit === undefined)
        return {
          ...none,
          reason:
            sourceCommit === undefined ? "its record names no commit" : `${sourceCommit} is not in ${monorepo.root}`,
        };
      const versions = versionsOf(service, tags);
      const own = highestVersion(versions.filter((version) => version.commit === commit));
      if (own !== undefined) return { ...none, commit, tag: tagOf(service, own.version), reason: null };
      const isBehind = await Promise.all(versions.map((version) => repository.isAncestor(version.commit, commit)));
      const isAhead = await Promise.all(versions.map((version) => repository.isAncestor(commit, version.commit)));
      const newer = highestVersion(versions.filter((_, index) => isAhead[index] === true));
      if (newer !== undefined) return { ...none, commit, reason: `it is older than ${tagOf(service, newer.version)}` };
      const base = highestVersion(versions.filter((_, index) => isBehind[index] === true));
      return { ...none, commit, reason: null, base, highest: highestVersion(versions) };
    }),
  );
  const ranges = candidates.flatMap((one) =>
    "base" in one && one.base !== undefined ? [{ service: one.service, from: one.base.commit, to: one.commit }] : [],
  );
  const changes = new Map((await changesOfServices(monorepo, ranges)).map((one) => [one.service, one]));
  return candidates.map((one): Planned => {
    if (!("base" in one)) return one;
    const { base, highest, ...version } = one;
    if (base === undefined) return { ...version, wanted: tagOf(version.service, firstOf(highest)) };
    const since = changes.get(version.service)?.changes ?? [];
    if (since.length === 0)
      return { ...version, reason: `nothing of it has changed since ${tagOf(version.service, base.version)}` };
    // What was tagged elsewhere, on another branch, keeps its number.
    return { ...version, wanted: tagOf(version.service, nextVersion((highest ?? base).version, since)) };
  });
}

function firstOf(highest: TaggedVersion | undefined): string {
  return highest === undefined ? firstVersion : nextVersion(highest.version, [{ type: null, breaking: null }]);
}
