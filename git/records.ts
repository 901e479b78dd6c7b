import { problemLine } from "../core/problem.ts";
import { manifestImages, spelledAsIn } from "./manifest-images.ts";
import type { DeployBranch } from "./deploy-branch.ts";
import { previousImagesAfter, previousImagesPath } from "./allowed-images.ts";
import { commitToBranch, type CommitOptions } from "./deploy-repository.ts";
import { DeployRepositoryError } from "./git-failure.ts";
import { rejectionsBefore } from "./rejection.ts";
import {
  parseRecord,
  recordPath,
  recordWith,
  serviceOfRecord,
  type Rejection,
  type ReleasedImage,
  type ReleaseRecord,
} from "./release-record.ts";
import type { Snapshot } from "./snapshot.ts";

/** The release records of one environment, by service. */
export type Records = ReadonlyMap<string, ReleaseRecord>;

/** @throws DeployRepositoryError with all invalid records at once */
export async function readRecords(snapshot: Snapshot, directory: string): Promise<Map<string, ReleaseRecord>> {
  const services = [...snapshot.entries.keys()].flatMap((path) => serviceOfRecord(directory, path) ?? []);
  const texts = await snapshot.read(services.map((service) => recordPath(directory, service)));
  const parsed = services.map(
    (service) =>
      [service, parseRecord(recordPath(directory, service), texts.get(recordPath(directory, service)) ?? "")] as const,
  );
  const problems = parsed.flatMap(([, record]) => ("problems" in record ? record.problems : []));
  if (problems.length > 0) {
    throw new DeployRepositoryError(
      `invalid release records; nothing was changed\n${problems.map((problem) => `  ${problemLine(problem)}`).join("\n")}`,
    );
  }
  return new Map(parsed.flatMap(([service, record]) => ("problems" in record ? [] : [[service, record] as const])));
}

/** What is to run of one service. */
export interface Release extends ReleasedImage {
  readonly service: string;
  /** What must not come back by itself, if this is a rollback. */
  readonly rejected?: Rejection | undefined;
}

/** A release that changed its record. */
export interface Released extends Release {
  /** What ran before; `undefined`: nothing yet. */
  readonly previous: string | undefined;
}

export interface ReleaseResult {
  readonly commit: string | undefined;
  readonly released: readonly Released[];
  /** Runs the same image as before, which another commit has turned out to make, too. No pod changes. */
  readonly confirmed: readonly Release[];
  readonly retries: number;
}

/** What is to be released in one directory of the deploy repository. */
export interface DirectoryReleases {
  /** The environment's directory, or that of one of its later waves. */
  readonly directory: string;
  /** What to release, seen from the records at the head; asked again whenever others have committed. */
  readonly choose: (records: Records, snapshot: Snapshot) => Promise<readonly Release[]> | readonly Release[];
}

export interface ReleaseArgs extends DeployBranch, DirectoryReleases {
  /** Further directories whose records the same commit writes; they are asked after the first one. @default none */
  readonly others?: (snapshot: Snapshot) => readonly DirectoryReleases[];
  /** The first line of the commit, and the trailers below it, for all records that change. */
  readonly describe: (released: readonly Released[]) => { subject: string; trailers?: readonly string[] };
  /** Whether an image of a service that is released has to prove itself. @default as the release says */
  readonly isVerified?: (service: string) => boolean;
}

/** Writes release records by one commit; those that say so already stay as they are. */
export async function commitReleases(args: ReleaseArgs, options?: CommitOptions): Promise<ReleaseResult> {
  let result: Omit<ReleaseResult, "commit" | "retries"> = { released: [], confirmed: [] };
  const { commit, retries } = await commitToBranch(
    args,
    async (snapshot) => {
      const parts: DirectoryChanges[] = [];
      for (const part of [args, ...(args.others?.(snapshot) ?? [])])
        parts.push(await changesIn(snapshot, part, args.isVerified));
      const released = onePerService(parts.flatMap((part) => part.released));
      const confirmed = onePerService(parts.flatMap((part) => part.confirmed));
      result = { released, confirmed };
      const written = [...released, ...confirmed];
      const { subject, trailers = [] } = args.describe(written);
      const named = written.flatMap(({ service, digest }) => [`Service: ${service}`, `Digest: ${digest}`]);
      return {
        write: Object.fromEntries(parts.flatMap(({ write }) => Object.entries(write))),
        message: `${subject}\n\n${[...named, ...trailers].join("\n")}\n`,
      };
    },
    options,
  );
  return { commit, ...result, retries };
}

/** What changes in one directory. */
interface DirectoryChanges {
  readonly released: readonly Released[];
  readonly confirmed: readonly Released[];
  readonly write: Readonly<Record<string, string>>;
}

async function changesIn(
  snapshot: Snapshot,
  { directory, choose }: DirectoryReleases,
  isVerified: ReleaseArgs["isVerified"],
): Promise<DirectoryChanges> {
  const records = await readRecords(snapshot, directory);
  const spelled = await asInManifests(snapshot, directory, await choose(records, snapshot));
  // What a migration has taken away stays away.
  const chosen = spelled.map((release) => ({
    ...release,
    contractedBy: release.contractedBy ?? records.get(release.service)?.contractedBy,
    ...verificationAfter(release, records.get(release.service), isVerified),
    // What takes an image away takes nothing from what is to come.
    waiting: release.rejected === undefined ? undefined : records.get(release.service)?.waiting,
    rejectedBefore: rejectionsBefore(
      release.digest,
      release.rejected,
      records.get(release.service),
      release.rejectedBefore,
    ),
  }));
  const released = chosen.flatMap((release): Released[] => {
    const before = records.get(release.service)?.image;
    return isSameImage(release, before) ? [] : [{ ...release, previous: before?.digest }];
  });
  const confirmed = chosen.flatMap((release): Released[] => {
    const before = records.get(release.service);
    const known = release.sourceCommit === undefined || release.sourceCommit === before?.sourceCommit;
    if (known || !isSameImage(release, before?.image)) return [];
    // Its digest stays away; what the service is compared with is the commit that is noted now, which is newer.
    const { digest, reason, judgment } = before?.rejected ?? {};
    const rejected = digest === undefined ? undefined : { digest, reason, judgment };
    return [{ ...release, rejected, rejectedBefore: before?.rejectedBefore, previous: release.digest }];
  });
  return {
    released,
    confirmed,
    write: {
      ...Object.fromEntries(
        [...released, ...confirmed].map((release) => [
          recordPath(directory, release.service),
          recordWith(release, release.rejected),
        ]),
      ),
      ...(await previouslyRunning(snapshot, directory, released, records)),
    },
  };
}

/** What several directories get is said once, as the first of them has it. */
function onePerService<T extends Release>(releases: readonly T[]): readonly T[] {
  return [...Map.groupBy(releases, ({ service }) => service).values()].flatMap(([first]) => first ?? []);
}

/** The files with what ran before, of those services that have one. */
async function previouslyRunning(
  snapshot: Snapshot,
  directory: string,
  released: readonly Released[],
  records: Records,
): Promise<Record<string, string>> {
  const texts = await snapshot.read(released.map(({ service }) => previousImagesPath(directory, service)));
  return Object.fromEntries(
    released.flatMap(({ service, repository, digest }) => {
      const path = previousImagesPath(directory, service);
      const text = texts.get(path);
      if (text === undefined) return [];
      const before = records.get(service)?.image;
      const running = before === undefined ? undefined : `${before.repository}@${before.digest}`;
      return [[path, previousImagesAfter(text, running, `${repository}@${digest}`)] as const];
    }),
  );
}

/** @throws DeployRepositoryError with all releases whose records kustomize would pass over */
async function asInManifests(
  snapshot: Snapshot,
  directory: string,
  releases: readonly Release[],
): Promise<readonly Release[]> {
  const known = await manifestImages(
    snapshot,
    directory,
    releases.map(({ service }) => service),
  );
  const spelled = releases.map((release) => spelledAsIn(release, known.get(release.service)));
  const problems = spelled.flatMap((one) => ("problem" in one ? [one.problem] : []));
  if (problems.length > 0)
    throw new DeployRepositoryError(
      `${problems.join("\n       ")}\nGive --images with what the manifests have, or correct images and app in the stack file and run \`pulumi up\`, which writes them; nothing was changed`,
    );
  return spelled.flatMap((one) => ("problem" in one ? [] : [one]));
}

/** The same image keeps what is known of it; another one has to prove itself anew. */
function verificationAfter(
  release: Release,
  before: ReleaseRecord | undefined,
  isVerified: ReleaseArgs["isVerified"],
): Pick<Release, "verification"> {
  if (isSameImage(release, before?.image)) return { verification: before?.verification };
  return isVerified?.(release.service) === true ? { verification: { state: "pending" } } : {};
}

/** Whether a release would change no pod. */
export function isSameImage(release: Release, image: ReleaseRecord["image"]): boolean {
  return image?.digest === release.digest && image.repository === release.repository;
}

/** For subjects: `link sha256:0123456789ab, user sha256:…`; only their number when there are many. */
export function summarize(released: readonly Release[]): string {
  if (released.length > 3) return `${released.length} services`;
  return released.map(({ service, digest }) => `${service} ${shortDigest(digest)}`).join(", ");
}

/** `sha256:` and the first 12 digits, as people know them. */
export function shortDigest(digest: string): string {
  return digest.slice(0, "sha256:".length + 12);
}

/** Seven digits of a commit, as Git shows them. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}
