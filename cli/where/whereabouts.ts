import { readBranch } from "../../git/deploy-repository.ts";
import { fetchMissing } from "../../git/missing-commits.ts";
import { recordTimelines, type RecordedRelease } from "../../git/record-timeline.ts";
import type { SourceRepository } from "../../git/source-repository.ts";
import { memoize } from "../affected/source-tree.ts";
import type { DeliveryEnvironment } from "../project/environment.ts";

/** Whether a service of an environment has a commit. */
export interface Whereabouts {
  readonly service: string;
  /**
   * `there`: what runs has it. `not-yet`: nothing that ran had it. `gone`: something that ran had it, and what runs has not.
   * `unknown`: the record of what runs names no commit, or one that the checkout does not know.
   */
  readonly state: "there" | "not-yet" | "gone" | "unknown";
  /** Since when it is there, or is gone; ISO 8601. */
  readonly since: string | null;
  /** The commit of the deploy repository that brought it, or took it away. */
  readonly releaseCommit: string | null;
  /** What runs was built from it. */
  readonly sourceCommit: string | null;
}

/**
 * Whether what services run in an environment has a commit, and since when: by the release records and their history. An image
 * has a commit if it was built from it, or from one that descends from it.
 * @param services those that the commit concerns; those that the environment has not are left out
 */
export async function whereaboutsIn(
  environment: DeliveryEnvironment,
  services: readonly string[],
  commit: string,
  { repository, directory }: { readonly repository: SourceRepository; readonly directory: string },
): Promise<readonly Whereabouts[]> {
  const timelines = await readBranch(
    environment,
    async (snapshot, git) =>
      snapshot.commit === undefined ? new Map() : recordTimelines(git, snapshot.commit, environment.directory),
    "whole history",
  );
  const found = services.flatMap((service) => {
    const timeline: readonly RecordedRelease[] | undefined = timelines.get(service);
    return timeline === undefined ? [] : [{ service, timeline }];
  });
  const newest = found.flatMap(({ timeline }) => timeline[0]?.record.sourceCommit ?? []);
  await fetchMissing(repository, directory, newest);
  const has = memoize((sourceCommit) => repository.isAncestor(commit, sourceCommit));
  return Promise.all(found.map(({ service, timeline }) => whereaboutsOf(service, timeline, has)));
}

async function whereaboutsOf(
  service: string,
  timeline: readonly RecordedRelease[],
  has: (sourceCommit: string) => Promise<boolean | undefined>,
): Promise<Whereabouts> {
  const hasIt = async ({ record }: RecordedRelease): Promise<boolean | undefined> => {
    if (record.image === undefined) return false;
    return record.sourceCommit === undefined ? undefined : has(record.sourceCommit);
  };
  const [newest, ...earlier] = timeline;
  const none = { service, since: null, releaseCommit: null, sourceCommit: newest?.record.sourceCommit ?? null };
  const current = newest === undefined ? false : await hasIt(newest);
  if (newest === undefined || current === undefined) return { ...none, state: "unknown" };
  // Back to the oldest release up to which nothing has changed in that.
  const state = { since: newest };
  for (const release of earlier) {
    const before = await hasIt(release);
    if (before === current) state.since = release;
    else if (current || before === true) {
      const { at, commit } = state.since;
      return { ...none, state: current ? "there" : "gone", since: at, releaseCommit: commit };
    }
  }
  if (!current) return { ...none, state: "not-yet" };
  return { ...none, state: "there", since: state.since.at, releaseCommit: state.since.commit };
}
