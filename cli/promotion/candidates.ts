import { environmentRecords } from "../../git/environment-records.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { isSameImage, readRecords, shortDigest, type Records, type Release } from "../../git/records.ts";
import { reasonAgainst } from "../../git/rejection.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { CommandError } from "../command.ts";
import { UsageError } from "../options.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { StackFile } from "../project/stack-file.ts";
import { assertServicesKnown } from "../release/unknown-services.ts";

/** What must hold before digests are promoted to an environment, as its stack file says. */
export type PromotionRules = Omit<NonNullable<StackSettings["promotion"]>, "from">;

/** Where the digests come from, and under which rules. */
interface Promotion {
  readonly from: string;
  readonly rules: PromotionRules;
}

const noRules: PromotionRules = { approval: false, copyImages: false, holds: false, choices: [] };

/**
 * @param file of the environment that is to get the digests
 * @param from the one that the caller names, if any
 * @throws CommandError where the stack file names another one
 */
export function promotionTo(file: StackFile, from: string | undefined): Promotion {
  const { name: to, path } = file;
  const declared = file.find("promotion")?.promotion;
  if (declared === undefined) {
    if (from === undefined || from === "")
      throw new UsageError(`--from is missing: ${path} does not say where ${to} gets its digests (promotion.from)`);
    return { from, rules: noRules };
  }
  const { from: source, ...rules } = declared;
  if (from !== undefined && from !== source)
    throw new CommandError(
      `--from ${from}: ${to} gets its digests from ${source} only (promotion.from of ${path}), where they are tested; nothing was changed`,
    );
  return { from: source, rules };
}

/** Two environments, and what of the first is to run in the second. */
export interface PromotionPath {
  readonly from: DeliveryEnvironment;
  readonly to: DeliveryEnvironment;
  /** @default all that both have */
  readonly services?: readonly string[] | undefined;
}

export interface Candidates {
  /** What the first environment runs and the second does not. It has to pass the gates, and nothing else is written. */
  readonly pending: readonly Release[];
  /** What would be pending if the second had not been rolled back from it. */
  readonly rolledBack: readonly Release[];
  /** What would be pending if it had proved itself in the first one (`verify`), and has not, or not yet. */
  readonly unproved: readonly Release[];
  /** The records of the second, as they are before the gates are asked. */
  readonly seen: Records;
  /** The repositories that the first runs them from, by service. */
  readonly runsFrom: ReadonlyMap<string, string>;
}

/**
 * What was rolled back in the second environment stays away for as long as the first runs nothing else, since then it has
 * not been fixed. Naming the service promotes it all the same.
 * @throws CommandError where there is nothing to promote, or a service is not there
 */
export async function readCandidates(path: PromotionPath): Promise<Candidates> {
  const { from, to } = path;
  return readBranch(to, async (snapshot) => {
    const seen = await readRecords(snapshot, to.directory);
    const tested = await sourceRecords(from, to, snapshot);
    const releases = chooseReleases(path, tested, seen);
    const all = releases.filter((release) => !isSameImage(release, seen.get(release.service)?.image));
    const isUnproved = ({ service }: Release): boolean =>
      ["pending", "failed"].includes(tested.get(service)?.verification?.state ?? "");
    const others = all.filter((release) => !isUnproved(release));
    const isBack = (release: Release): boolean =>
      path.services === undefined && isRejected(release, seen.get(release.service));
    const runsFrom = new Map(
      [...tested].flatMap(([service, { image }]) => (image ? [[service, image.repository]] : [])),
    );
    return {
      pending: others.filter((release) => !isBack(release)),
      rolledBack: others.filter(isBack),
      unproved: all.filter(isUnproved),
      seen,
      runsFrom,
    };
  });
}

/** Messages that say which services are not promoted yet. */
export function unprovedLines(from: string, { unproved }: Pick<Candidates, "unproved">): string[] {
  return unproved.map(
    ({ service, digest }) =>
      `${service} is not promoted: ${shortDigest(digest)} has not proved itself in ${from} (verify); \`delivery verify --env ${from}\` says more`,
  );
}

function isRejected({ digest, sourceCommit }: Release, record: ReleaseRecord | undefined): boolean {
  if (reasonAgainst(digest, record) !== undefined) return true;
  const { rejected } = record ?? {};
  if (rejected === undefined) return false;
  // Builds of one commit may differ in their digests, but not in their faults.
  return rejected.digest === digest || (sourceCommit !== undefined && rejected.sourceCommit === sourceCommit);
}

/** Messages that say which services stay as they are, and how to promote them all the same. */
export function rolledBackLines(to: string, { rolledBack, seen }: Pick<Candidates, "rolledBack" | "seen">): string[] {
  return rolledBack.map(({ service, digest, sourceCommit }) => {
    const record = seen.get(service);
    const rejected = reasonAgainst(digest, record) === undefined ? (record?.rejected?.digest ?? digest) : digest;
    const why = rejected === digest ? "" : `, since ${shortDigest(digest)} is another build of ${sourceCommit}`;
    return `${service} of ${to} stays as rolled back from ${shortDigest(rejected)}${why}; --service ${service} promotes it all the same`;
  });
}

/**
 * What the first environment runs. Both may be in one branch, which then is read once.
 * @param snapshot of the second one's branch
 */
function sourceRecords(from: DeliveryEnvironment, to: DeliveryEnvironment, snapshot: Snapshot): Promise<Records> {
  return from.repository === to.repository && from.branch === to.branch
    ? environmentRecords(snapshot, from.directory)
    : readBranch(from, (source) => environmentRecords(source, from.directory));
}

function chooseReleases({ from, to, services }: PromotionPath, tested: Records, records: Records): Release[] {
  if (services !== undefined) {
    assertServicesKnown(from, tested, services);
    assertServicesKnown(to, records, services);
    const unreleased = services.filter((service) => tested.get(service)?.image === undefined);
    if (unreleased.length > 0)
      throw new CommandError(
        `${from.name} runs nothing of ${unreleased.join(", ")} yet; release there first; nothing was changed`,
      );
  }
  const releases = [...tested].flatMap(([service, { image, sourceCommit, contractedBy }]) => {
    const desired = services?.includes(service) ?? records.has(service);
    if (!desired || image === undefined) return [];
    return [{ service, digest: image.digest, repository: to.imagesOf(service), sourceCommit, contractedBy }];
  });
  if (releases.length === 0)
    throw new CommandError(
      `there is nothing to promote: ${from.name} runs no service that ${to.name} has; nothing was changed`,
    );
  return releases;
}

/**
 * What is left to write once the gates hold, which may have taken long. They were asked about all of it together, so that
 * nothing is written where a single service has moved on: the tests may then have run against a mixture of both, and a
 * change in the second environment was made by somebody who wants something else.
 * @param records those of the second environment, at the head of its branch
 * @returns without those that others have promoted already
 * @throws CommandError where one of the environments has moved on since the candidates were read
 */
export async function assertNotMoved(
  { from, to }: PromotionPath,
  { pending, seen }: Pick<Candidates, "pending" | "seen">,
  records: Records,
  snapshot: Snapshot,
): Promise<Release[]> {
  const left = pending.filter((release) => !isSameImage(release, records.get(release.service)?.image));
  const source = await sourceRecords(from, to, snapshot);
  const moved = left.filter(({ service, digest }) => source.get(service)?.image?.digest !== digest);
  // A record names what was rolled back also after a second rollback.
  const isBack = ({ service }: Release): boolean => source.get(service)?.rejected !== undefined;
  const changed = left.filter(({ service }) => !isSameRecord(seen.get(service), records.get(service)));
  const moves = [
    { of: moved.filter(isBack), what: (names: string) => `${from.name} has rolled ${names} back` },
    {
      of: moved.filter((release) => !isBack(release)),
      what: (names: string) => `${from.name} runs another build of ${names}`,
    },
    { of: changed, what: (names: string) => `${to.name} was changed by others in ${names}` },
  ].flatMap(({ of, what }) => (of.length === 0 ? [] : [what(of.map(({ service }) => service).join(", "))]));
  if (moves.length === 0) return left;
  throw new CommandError(
    `since the gates were asked, ${moves.join(", and ")}; nothing was promoted. Look at what runs now, and run the same command again`,
  );
}

/** Also what must not come back is compared: an image may have been released and rolled back in the meantime. */
function isSameRecord(seen: ReleaseRecord | undefined, now: ReleaseRecord | undefined): boolean {
  return (
    (seen === undefined) === (now === undefined) &&
    seen?.image?.digest === now?.image?.digest &&
    seen?.image?.repository === now?.image?.repository &&
    seen?.rejected?.digest === now?.rejected?.digest
  );
}
