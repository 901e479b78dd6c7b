import type { Rejection, ReleaseRecord } from "../../git/release-record.ts";

/** What watchers and CI must not release again once this digest runs instead of what runs now. */
export function rejection(digest: string, current: ReleaseRecord | undefined): Rejection | undefined {
  if (current?.image === undefined) return undefined;
  const { image, sourceCommit, rejected } = current;
  // Without a source commit, the earlier rejection does not say how new its image is; what runs now says it.
  const outdated = rejected?.sourceCommit === undefined && sourceCommit !== undefined;
  if (rejected === undefined || outdated) return { digest: image.digest, sourceCommit };
  // Of several rollbacks, the first took away the newest image. Once that runs again, there is nothing newer to reject.
  return rejected.digest === digest ? undefined : rejected;
}
