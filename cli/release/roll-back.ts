import {
  commitReleases,
  shortDigest,
  summarize,
  type Records,
  type Release,
  type ReleaseResult,
} from "../../git/records.ts";
import { reasonAgainst, rejection } from "../../git/rejection.ts";
import type { ReleaseRecord, Verification } from "../../git/release-record.ts";
import { CommandError } from "../command.ts";
import { assertNotContracted } from "../migrations/contract.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { Registry } from "../registry/client.ts";
import { assertImagesComplete } from "./assert-images-exist.ts";
import { readEarlier, type EarlierBuild, type EarlierRecords, type EarlierWave } from "./earlier-records.ts";

interface RollbackArgs {
  /** The services in question. @default all */
  readonly services: readonly string[] | undefined;
  /** A commit of the deploy repository, or what the one service was built from. @default the one before their last release */
  readonly to?: string | EarlierBuild | undefined;
  /** Where the images are looked for. @default nobody is asked */
  readonly registry: Registry | undefined;
  /** What else the commit says. */
  readonly trailers: readonly string[];
  /** What a person wants to be taken away: anything else stays. @default whatever runs */
  readonly away?: TakenAway;
  /** Why, in one line; the records say it. @default they do not */
  readonly reason?: string;
  /** Whether an image of a service has to prove itself. */
  readonly isVerified: (service: string) => boolean;
}

interface TakenAway {
  readonly service: string;
  readonly digest: string;
}

/**
 * Makes an environment run again what it ran at an earlier commit, by a new one. What it takes away does not come back by itself.
 * @throws CommandError where there is no way back, or others have released meanwhile
 */
export async function rollBack(
  environment: DeliveryEnvironment,
  { services, to, registry, trailers, away, reason, isVerified }: RollbackArgs,
): Promise<ReleaseResult> {
  const earlier = await readEarlier(environment, services, to, away?.service);
  assertRunning(environment, away, earlier.seen);
  // Who names a commit wants what ran there, whatever was found of it.
  const rules: RestoreRules = { reason, isNamed: to !== undefined, isVerified };
  const desired = [
    ...restored(environment, earlier, earlier.seen, rules),
    ...earlier.laterWaves.flatMap((wave) => restoredInWave(environment, earlier, wave, wave.seen, rules)),
  ];
  if (desired.length === 0)
    throw new CommandError(
      `${environment.name} already runs what it ran at ${earlier.commit} of ${earlier.services.join(", ")}; nothing was changed. Give another commit with --to`,
    );
  if (registry !== undefined) await assertImagesComplete(registry, desired);
  return commitReleases({
    ...environment,
    choose: async (records, snapshot) => {
      assertNoNewerReleases(environment, earlier.seen, records, earlier.services);
      const releases = restored(environment, earlier, records, rules);
      await assertNotContracted(environment, { releases, earlier: earlier.records, records, snapshot });
      return releases;
    },
    // By the same commit, so that no cluster that is away holds up the others.
    others: () =>
      earlier.laterWaves.map((wave) => ({
        directory: wave.directory,
        choose: (records) => {
          assertNoNewerReleases(environment, wave.seen, records, earlier.services);
          return restoredInWave(environment, earlier, wave, records, rules);
        },
      })),
    describe: (released) => ({
      subject: `rollback(${environment.name}): ${summarize(released)}`,
      trailers: [`Rollback-To: ${earlier.commit}`, ...(reason === undefined ? [] : [`Reason: ${reason}`]), ...trailers],
    }),
  });
}

interface RestoreRules {
  /** Why, in one line. @default nobody says */
  readonly reason: string | undefined;
  /** Whether somebody has named the commit to go back to. */
  readonly isNamed: boolean;
  readonly isVerified: (service: string) => boolean;
}

/**
 * What has to be released again, under the present name of the images' repository: kustomize ignores images of any other name,
 * and would deploy no digest at all.
 */
function restored(
  environment: DeliveryEnvironment,
  earlier: Pick<EarlierRecords, "services" | "records">,
  records: Records,
  { reason, isNamed, isVerified }: RestoreRules,
): Release[] {
  return earlier.services.flatMap((service): Release[] => {
    const [before, current] = [earlier.records.get(service), records.get(service)];
    // A service that runs the digest already keeps its record, with all that newer commits have written into it.
    if (before?.image === undefined || before.image.digest === current?.image?.digest) return [];
    const { image, sourceCommit, verification } = before;
    const isBad = reasonAgainst(image.digest, current) !== undefined;
    // Other services may have to go back to a commit at which this one ran what has failed since.
    if (isBad && !isNamed) return [];
    const repository = environment.imagesOf(service);
    const found = rejection(image.digest, current);
    const running = current?.image?.digest;
    // A newer image than the one that runs was taken away before, for a reason of its own: that keeps its place.
    const isNewest = found?.digest === running;
    const rejected = isNewest && reason !== undefined ? found && { ...found, reason } : found;
    const further = reason === undefined || isNewest || running === undefined ? undefined : [running];
    return [
      {
        service,
        repository,
        digest: image.digest,
        sourceCommit,
        rejected,
        rejectedBefore: further,
        verification: verificationOf(verification, isBad, isVerified(service)),
      },
    ];
  });
}

/** What had failed is not promoted now either, and what was waiting still proves itself before it is, where anything has to. */
function verificationOf(
  verification: Verification | undefined,
  isBad: boolean,
  isVerified: boolean,
): Verification | undefined {
  const found: Verification | undefined = isBad ? { state: "pending" } : verification;
  return found?.state === "pending" && !isVerified ? undefined : found;
}

/**
 * The same for the clusters of a later wave. One that ran nothing yet at that commit gets what the first wave ran, and one that
 * runs nothing now stays without.
 */
function restoredInWave(
  environment: DeliveryEnvironment,
  { services, records, seen }: EarlierRecords,
  wave: EarlierWave,
  now: Records,
  rules: RestoreRules,
): Release[] {
  const running = services.filter((service) => now.get(service)?.image !== undefined);
  const before = running.flatMap((service) => {
    const then = wave.records.get(service);
    const record = then?.image === undefined ? unproved(records.get(service)) : then;
    if (record?.image === undefined) return [];
    // What has failed in the first wave is nothing for this one.
    const isBad = reasonAgainst(record.image.digest, seen.get(service)) !== undefined;
    return isBad && !rules.isNamed ? [] : [[service, record] as const];
  });
  return restored(environment, { services: running, records: new Map(before) }, now, rules);
}

/** What it has proved in the first wave, it has not in this one. */
function unproved(record: ReleaseRecord | undefined): ReleaseRecord | undefined {
  return record?.verification === undefined ? record : { ...record, verification: { state: "pending" } };
}

function assertRunning({ name }: DeliveryEnvironment, away: TakenAway | undefined, records: Records): void {
  if (away === undefined) return;
  const now = records.get(away.service)?.image?.digest;
  if (now === away.digest) return;
  throw new CommandError(
    `${name} does not run what was to be taken away: ${away.service} runs ${now === undefined ? "nothing" : shortDigest(now)}; nothing was changed`,
  );
}

function assertNoNewerReleases(
  environment: DeliveryEnvironment,
  seen: Records,
  records: Records,
  services: readonly string[],
): void {
  const newer = services.filter((service) => seen.get(service)?.image?.digest !== records.get(service)?.image?.digest);
  if (newer.length > 0)
    throw new CommandError(
      `${newer.join(", ")} of ${environment.name} was released at this moment; nothing was changed. Look at what runs now, and run the same command again`,
    );
}
