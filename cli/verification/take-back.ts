import { beforeFailure, type EarlierRecord } from "../../git/record-history.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { commitReleases, readRecords, shortDigest, type Release } from "../../git/records.ts";
import { rejection } from "../../git/rejection.ts";
import type { ReleaseRecord } from "../../git/release-record.ts";
import { laterWaves } from "../../git/waves.ts";
import { isOpen, type Verdict } from "../../git/verdicts.ts";
import { CommandError } from "../command.ts";
import { assertNotContracted } from "../migrations/contract.ts";
import { environmentTitle, type DeliveryEnvironment } from "../project/environment.ts";
import { lossOf, type ImageKeeper } from "./lost-images.ts";

/** What has become of an image that has failed. */
export type TakenBack =
  | { readonly state: "taken back"; readonly to: string; readonly commit: string | undefined }
  /** Somebody else has released, rolled back or judged meanwhile. */
  | { readonly state: "superseded" }
  /** There is nothing to go back to. */
  | { readonly state: "stays"; readonly reason: string };

/**
 * Makes a service run what it ran before an image that has failed, by one commit, on the clusters of all waves, with which the image and the commit that it
 * was built from stay away. What runs after a rollback is not taken back any further: then it is not the image that is at fault.
 */
export async function takeBack(
  environment: DeliveryEnvironment,
  verdict: Verdict,
  keeper: ImageKeeper,
): Promise<TakenBack> {
  const { service, digest, verification } = verdict;
  const { directory, wave } = environment;
  const firstDirectory = wave?.firstDirectory ?? directory;
  const imageOf = (one: string) => ({ service, repository: environment.imagesOf(service), digest: one });
  const lost = new Map<string, string>();
  const asked = new Set<string>();
  const before = await readBranch(
    environment,
    async (snapshot, git) => {
      const others = [firstDirectory, ...laterWaves(snapshot, firstDirectory).map((other) => other.directory)];
      const directories = new Set([directory, ...others]);
      // What another wave has found of an image counts also where it has passed before, and was followed by this one.
      const failed = new Set([digest]);
      for (const each of directories) {
        const { rejected, rejectedBefore = [] } = (await readRecords(snapshot, each)).get(service) ?? {};
        for (const one of rejectedBefore) failed.add(one);
        if (each !== directory && rejected?.reason !== undefined) failed.add(rejected.digest);
      }
      const found = new Map<string, EarlierRecord>();
      for (const each of directories) {
        if (snapshot.commit === undefined) break;
        for await (const one of beforeFailure(git, snapshot.commit, { directory: each, service }, failed)) {
          const { digest: earlier } = one.record.image;
          // What ran before that is older, but it runs.
          const loss = asked.has(earlier) ? undefined : await lossOf(imageOf(earlier), imageOf(digest), keeper);
          asked.add(earlier);
          if (loss !== undefined) lost.set(earlier, loss);
          if (lost.has(earlier)) continue;
          found.set(each, one);
          break;
        }
      }
      return found;
    },
    "whole history",
  );
  const earlier = before.get(directory);
  if (earlier === undefined && lost.size > 0) return { state: "stays", reason: lossLine(environment, service, lost) };
  // On clusters that are new, it says as much of these as of the image: where that has proved itself, it goes on.
  const where = wave === undefined || directory === firstDirectory ? "" : " in this wave of clusters";
  if (earlier === undefined) return { state: "stays", reason: `it is the first image of the service${where}` };
  const to = earlier.record.image.digest;
  const link = verification.link === undefined ? "" : ` (${verification.link})`;
  const reason = `${verification.evidence}${link}`;
  const back = (target: EarlierRecord, now: ReleaseRecord | undefined): Release => {
    const rejected = rejection(target.record.image.digest, now);
    return {
      ...restored(environment, service, target),
      rejected: rejected && { ...rejected, reason, judgment: verification.judgment },
    };
  };
  let isOther = false;
  let isTakenBack = false;
  try {
    const { commit, released } = await commitReleases({
      ...environment,
      choose: async (records, snapshot) => {
        const record = records.get(service);
        isTakenBack = false;
        isOther = !isOpen(verdict, record);
        if (isOther) return [];
        if (record?.rejected !== undefined)
          throw new CommandError(
            `it runs in place of ${shortDigest(record.rejected.digest)}, which was taken away before`,
          );
        const release = back(earlier, record);
        await assertNotContracted(environment, {
          releases: [release],
          earlier: new Map([[service, earlier.record]]),
          records,
          snapshot,
        });
        isTakenBack = true;
        return [release];
      },
      // What fails on the clusters of one wave runs on no other one, also where it has passed before.
      others: () =>
        [...before]
          .filter(([other]) => other !== directory)
          .map(([other, target]) => ({
            directory: other,
            choose: (records) => {
              const now = records.get(service);
              const isSame = now?.image?.digest === digest && now.rejected === undefined;
              return isTakenBack && isSame ? [back(target, now)] : [];
            },
          })),
      describe: () => ({
        subject: `verify(${environmentTitle(environment)}): ${service} ${shortDigest(digest)} has failed, back to ${shortDigest(to)}`,
        trailers: [
          `Rollback-To: ${earlier.commit}`,
          `Failed-Digest: ${digest}`,
          `Evidence: ${verification.evidence}`,
          ...[...lost.keys()].map((one) => `Not-In-Registry: ${one}`),
          ...(verification.link === undefined ? [] : [`Evidence-Link: ${verification.link}`]),
        ],
      }),
    });
    if (isOther || released.length === 0) return { state: "superseded" };
    return { state: "taken back", to, commit };
  } catch (error) {
    if (error instanceof CommandError) return { state: "stays", reason: firstLine(error.message) };
    throw error;
  }
}

function restored(environment: DeliveryEnvironment, service: string, { record }: EarlierRecord): Release {
  const { image, sourceCommit, verification } = record;
  return {
    service,
    repository: environment.imagesOf(service),
    digest: image.digest,
    sourceCommit,
    // One that was still waiting proves itself now; where it does not, it stays, since nothing before it is any better.
    verification,
  };
}

/** What of its history a service cannot go back to, and what to do about it. */
function lossLine(environment: DeliveryEnvironment, service: string, lost: ReadonlyMap<string, string>): string {
  const images = [...lost].map(([digest, loss]) => `${loss} of ${environment.imagesOf(service)}@${digest}`);
  return `the registry has lost ${images.join(", ")}, which it ran before: push it again or build it from its commit, and run \`delivery rollback\`, or release another image`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}
