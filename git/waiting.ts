import { commitToBranch } from "./deploy-repository.ts";
import { isSameImage, readRecords, type Release, type ReleaseArgs } from "./records.ts";
import { initialRecord, recordPath, recordWith, type ReleaseRecord, type WaitingImage } from "./release-record.ts";

export interface WaitingResult {
  readonly commit: string | undefined;
  /** What waits now, of what was chosen. */
  readonly waiting: readonly Release[];
}

type WaitingArgs = Omit<ReleaseArgs, "isVerified" | "describe"> & {
  readonly describe: (waiting: readonly Release[]) => { subject: string; trailers?: readonly string[] };
};

/**
 * Notes in release records what is to run once a window is open, by one commit, in place of what was noted before. What runs
 * already waits for nothing.
 */
export async function commitWaiting({ choose, describe, ...target }: WaitingArgs): Promise<WaitingResult> {
  let waiting: readonly Release[] = [];
  const { commit } = await commitToBranch(target, async (snapshot) => {
    const records = await readRecords(snapshot, target.directory);
    const chosen = await choose(records, snapshot);
    waiting = chosen.filter((release) => !isSameImage(release, records.get(release.service)?.image));
    const write = chosen.map((release) => {
      const noted = waiting.includes(release)
        ? { digest: release.digest, sourceCommit: release.sourceCommit }
        : undefined;
      return [
        recordPath(target.directory, release.service),
        withWaiting(release.service, records.get(release.service), noted),
      ];
    });
    const { subject, trailers = [] } = describe(waiting);
    const named = waiting.flatMap(({ service, digest }) => [`Service: ${service}`, `Waiting-Digest: ${digest}`]);
    return { write: Object.fromEntries(write), message: `${subject}\n\n${[...named, ...trailers].join("\n")}\n` };
  });
  return { commit, waiting };
}

function withWaiting(service: string, record: ReleaseRecord | undefined, waiting: WaitingImage | undefined): string {
  if (record?.image === undefined) return initialRecord(service, waiting);
  const { image, rejected, ...rest } = record;
  return recordWith({ ...image, ...rest, waiting }, rejected);
}
