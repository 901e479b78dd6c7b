import type { Rejection, ReleaseRecord } from "./release-record.ts";

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

/**
 * Why an image of a service must not come back by itself: a verification or a person has taken it away for a reason, however many
 * releases ago.
 * @returns `undefined`: nothing is known against it
 */
export function reasonAgainst(
  digest: string,
  { rejected, rejectedBefore = [] }: Pick<ReleaseRecord, "rejected" | "rejectedBefore"> = {},
): string | undefined {
  if (rejected?.digest === digest && rejected.reason !== undefined) return rejected.reason;
  return rejectedBefore.includes(digest) ? "it was taken away before" : undefined;
}

/** How many images that were taken away a record knows beside the newest one. */
const mostRejected = 20;

/**
 * What a record knows of earlier rejections once a service runs another image, which somebody wants.
 * @param before the record until then
 * @param further what is taken away now, where `rejected` is something newer. @default nothing
 */
export function rejectionsBefore(
  digest: string,
  rejected: Rejection | undefined,
  before: ReleaseRecord | undefined,
  further: readonly string[] = [],
): readonly string[] | undefined {
  const newest = before?.rejected?.reason === undefined ? [] : [before.rejected.digest];
  const known = new Set([...further, ...newest, ...(before?.rejectedBefore ?? [])]);
  const kept = [...known].filter((one) => one !== digest && one !== rejected?.digest).slice(0, mostRejected);
  return kept.length === 0 ? undefined : kept;
}
