import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records, type Release } from "../../git/records.ts";
import type { Snapshot } from "../../git/snapshot.ts";
import { CommandError } from "../command.ts";
import type { DeliveryEnvironment } from "../environment.ts";
import { refuseUnknownServices } from "../services.ts";

/** Two environments, and what of the first is to run in the second. */
export interface PromotionPath {
  readonly from: DeliveryEnvironment;
  readonly to: DeliveryEnvironment;
  /** @default all that both have */
  readonly services?: readonly string[] | undefined;
}

export interface Candidates {
  /** What the first environment runs of the services in question. */
  readonly releases: readonly Release[];
  /** Those of them that the second does not run yet: only they have to pass the gates. */
  readonly pending: readonly Release[];
}

/** @throws CommandError where there is nothing to promote, or a service is not there */
export async function readCandidates(path: PromotionPath): Promise<Candidates> {
  const { from, to } = path;
  return readBranch(to, async (snapshot) => {
    const records = await readRecords(snapshot, to.directory);
    const releases = chosen(path, await sourceRecords(from, to, snapshot), records);
    const pending = releases.filter(({ service, digest, repository }) => {
      const image = records.get(service)?.image;
      return image?.digest !== digest || image.repository !== repository;
    });
    return { releases, pending };
  });
}

/** @throws CommandError if the first environment has taken one of the digests back in the meantime */
export async function refuseRolledBack(
  { from, to }: PromotionPath,
  releases: readonly Release[],
  snapshot: Snapshot,
): Promise<void> {
  const records = await sourceRecords(from, to, snapshot);
  const back = releases.filter(({ service, digest }) => {
    const { image, rejected } = records.get(service) ?? {};
    // A second rollback still names what the first one took away.
    return rejected !== undefined && image?.digest !== digest;
  });
  if (back.length === 0) return;
  throw new CommandError(
    `${from.name} has rolled ${back.map(({ service }) => service).join(", ")} back while the gates were checked; nothing was changed`,
  );
}

/** Both may be in one branch, which then is read once. */
function sourceRecords(from: DeliveryEnvironment, to: DeliveryEnvironment, snapshot: Snapshot): Promise<Records> {
  return from.repository === to.repository && from.branch === to.branch
    ? readRecords(snapshot, from.directory)
    : readBranch(from, (source) => readRecords(source, from.directory));
}

function chosen({ from, to, services }: PromotionPath, tested: Records, records: Records): Release[] {
  if (services !== undefined) {
    refuseUnknownServices(from, tested, services);
    refuseUnknownServices(to, records, services);
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
