import { readBranch } from "../../git/deploy-repository.ts";
import { recordTimelines, type RecordedRelease } from "../../git/record-timeline.ts";
import { shortDigest } from "../../git/records.ts";
import { laterWaves } from "../../git/waves.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";
import type { VerifiedService } from "./verify.ts";

/** How far back, in milliseconds: whoever looks next comes within a day. */
const period = 24 * 3_600_000;

/**
 * What has come of the images of the last day, as the release records tell: a run that was killed may have told nobody.
 * @returns wave by wave, where there are several
 * @throws DeployRepositoryError
 */
export function recentOutcomes(environment: DeliveryEnvironment): Promise<readonly VerifiedService[]> {
  return readBranch(
    environment,
    async (snapshot, git) => {
      const { commit } = snapshot;
      if (commit === undefined) return [];
      const { directory } = environment;
      const later = laterWaves(snapshot, directory);
      const found: VerifiedService[] = [];
      for (const wave of [{ number: later.length === 0 ? undefined : 1, directory }, ...later]) {
        const timelines = await recordTimelines(git, commit, wave.directory);
        const outcomes = [...timelines].flatMap(([service, timeline]) =>
          outcomesOf(service, timeline, Date.now() - period),
        );
        found.push(...outcomes.map((outcome) => ({ ...outcome, wave: wave.number })));
      }
      return found;
    },
    "whole history",
  );
}

/**
 * What has come of the images of one service that had to prove themselves, the newest first.
 * @param timeline what it has run, the newest first
 * @param since milliseconds since 1970
 */
export function outcomesOf(
  service: string,
  timeline: readonly RecordedRelease[],
  since: number,
): readonly VerifiedService[] {
  const outcomes = timeline.flatMap(
    ({ at, record: { image, sourceCommit, verification } }, index): VerifiedService[] => {
      const newer = timeline[index - 1];
      // It counts from when it came to that: a release may have waited for long.
      if (Date.parse(newer?.at ?? at) < since) return [];
      if (image === undefined || verification === undefined) return [];
      const verified = { service, digest: image.digest, sourceCommit };
      const { rejected, image: next } = newer?.record ?? {};
      // Also what has passed may be taken back: where somebody had it asked again, or in another wave of clusters.
      if (next !== undefined && rejected?.digest === image.digest && rejected.reason !== undefined)
        return [
          {
            ...verified,
            outcome: { state: "failed", evidence: rejected.reason, back: next.digest, judgment: rejected.judgment },
          },
        ];
      if (verification.state === "passed")
        return [{ ...verified, outcome: { state: "passed", evidence: verification.evidence } }];
      if (verification.state === "failed")
        return [
          {
            ...verified,
            outcome: { state: "failed", evidence: verification.evidence, back: null, judgment: verification.judgment },
          },
        ];
      if (newer === undefined) return [{ ...verified, outcome: { state: "pending", detail: "it has no verdict yet" } }];
      // Of the same image, the newer record says it.
      if (next === undefined || next.digest === image.digest) return [];
      return [{ ...verified, outcome: { state: "superseded", detail: `superseded by ${shortDigest(next.digest)}` } }];
    },
  );
  // What was found of an image last is what counts: its record may have been written once more.
  const isFirst = ({ digest, sourceCommit }: VerifiedService, index: number): boolean =>
    outcomes.findIndex((one) => one.digest === digest && one.sourceCommit === sourceCommit) === index;
  return outcomes.filter(isFirst);
}
