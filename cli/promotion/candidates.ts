import { readBranch } from "../../git/deploy-repository.ts";
import { isSameImage, readRecords, shortDigest, type Records, type Release } from "../../git/records.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { CommandError } from "../command.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import { assertServicesKnown } from "../release/unknown-services.ts";

/** Two environments, and what of the first is to run in the second. */
export interface PromotionPath {
  readonly from: DeliveryEnvironment;
  readonly to: DeliveryEnvironment;
  /** @default all that both have */
  readonly services?: readonly string[] | undefined;
}

export interface Candidates {
  /** What the first environment runs and the second does not: this has to pass the gates, and nothing else is written. */
  readonly pending: readonly Release[];
  /** What would be pending, had the second not been rolled back from it. */
  readonly rolledBack: readonly Release[];
  /** The records of the second, as they are before the gates are asked. */
  readonly seen: Records;
}

/**
 * What was rolled back in the second environment stays away for as long as the first runs nothing else, since nobody has
 * mended it; to name the service is to want it all the same.
 * @throws CommandError where there is nothing to promote, or a service is not there
 */
export async function readCandidates(path: PromotionPath): Promise<Candidates> {
  const { from, to } = path;
  return readBranch(to, async (snapshot) => {
    const seen = await readRecords(snapshot, to.directory);
    const releases = chosen(path, await sourceRecords(from, to, snapshot), seen);
    const others = releases.filter((release) => !isSameImage(release, seen.get(release.service)?.image));
    const isBack = (release: Release): boolean =>
      path.services === undefined && isRejected(release, seen.get(release.service));
    return { pending: others.filter((release) => !isBack(release)), rolledBack: others.filter(isBack), seen };
  });
}

function isRejected({ digest, sourceCommit }: Release, { rejected }: Partial<ReleaseRecord> = {}): boolean {
  if (rejected === undefined) return false;
  // Builds of one commit may differ in their digests, and have the same fault.
  return rejected.digest === digest || (sourceCommit !== undefined && rejected.sourceCommit === sourceCommit);
}

/** For people: which services stay as they are, and how to promote them all the same. */
export function rolledBackLines(to: string, { rolledBack, seen }: Pick<Candidates, "rolledBack" | "seen">): string[] {
  return rolledBack.map(({ service, digest, sourceCommit }) => {
    const rejected = seen.get(service)?.rejected?.digest ?? digest;
    const why = rejected === digest ? "" : `, since ${shortDigest(digest)} is another build of ${sourceCommit}`;
    return `${service} of ${to} stays as rolled back from ${shortDigest(rejected)}${why}; --service ${service} promotes it all the same`;
  });
}

/**
 * What the first environment runs. Both may be in one branch, which then is read once.
 * @param snapshot of the second one's branch
 */
export function sourceRecords(
  from: DeliveryEnvironment,
  to: DeliveryEnvironment,
  snapshot: Snapshot,
): Promise<Records> {
  return from.repository === to.repository && from.branch === to.branch
    ? readRecords(snapshot, from.directory)
    : readBranch(from, (source) => readRecords(source, from.directory));
}

function chosen({ from, to, services }: PromotionPath, tested: Records, records: Records): Release[] {
  if (services !== undefined) {
    assertServicesKnown(from, tested, services);
    assertServicesKnown(to, records, services);
    const unreleased = services.filter((service) => tested.get(service)?.image === undefined);
    if (unreleased.length > 0)
      throw new CommandError(
        `${from.name} runs nothing of ${unreleased.join(", ")} yet; release there first; nothing was changed`,
      );
  }
  const releases = [...tested].flatMap(([service, { image, sourceCommit }]) => {
    const wanted = services?.includes(service) ?? records.has(service);
    if (!wanted || image === undefined) return [];
    return [{ service, digest: image.digest, repository: to.imagesOf(service), sourceCommit }];
  });
  if (releases.length === 0)
    throw new CommandError(
      `there is nothing to promote: ${from.name} runs no service that ${to.name} has; nothing was changed`,
    );
  return releases;
}
