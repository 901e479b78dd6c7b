import type { Git } from "./git-command.ts";
import { DeployRepositoryError } from "./git-failure.ts";
import type { Records } from "./records.ts";
import { reasonAgainst } from "./rejection.ts";
import { parseRecord, recordPath, type ReleaseRecord } from "./release-record.ts";
import { snapshotOf } from "./snapshot.ts";

/**
 * The newest commit at which one of these services ran another digest than it does now, and none that was taken away for a reason;
 * `undefined`: there is none.
 * @param running the services in question, as they are at the head
 */
export async function beforeLastRelease(
  git: Git,
  head: string,
  directory: string,
  running: Records,
): Promise<string | undefined> {
  const paths = [...running.keys()].map((service) => recordPath(directory, service));
  // This only skips what need not be read: the lines also change with a first release, and with whoever writes them.
  const digests = ["--diff-merges=first-parent", "--no-patch", "-G", "digest: "];
  const last = (await git(["log", "-1", "--format=%H", "--first-parent", ...digests, head, "--", ...paths]))
    .toString()
    .trim();
  if (last === "") return undefined;
  const parents = (await git(["rev-list", "--parents", "-1", last])).toString().trim().split(" ").slice(1);
  const [before] = parents;
  if (before === undefined || (await ranOthers(git, before, directory, running))) return before;
  return beforeLastRelease(git, before, directory, running);
}

/** A service that ran nothing yet, or runs nothing now, has nothing to go back to. */
async function ranOthers(git: Git, commit: string, directory: string, running: Records): Promise<boolean> {
  const paths = [...running].map(([service, now]) => ({ path: recordPath(directory, service), now }));
  const texts = await (await snapshotOf(git, commit)).read(paths.map(({ path }) => path));
  return paths.some(({ path, now }) => {
    const before = parseRecord(path, texts.get(path) ?? "");
    if ("problems" in before || before.image === undefined || now.image === undefined) return false;
    return before.image.digest !== now.image.digest && reasonAgainst(before.image.digest, now) === undefined;
  });
}

/**
 * The commit before the one that released what a service runs; where a rollback has brought that back, before it was released
 * first. So what was taken away since then is passed over.
 * @returns `undefined`: it ran nothing before
 */
export async function beforeRunning(
  git: Git,
  head: string,
  location: { readonly directory: string; readonly service: string },
): Promise<string | undefined> {
  const path = recordPath(location.directory, location.service);
  let running: string | undefined;
  /** The oldest commit so far at which it ran that, and whether a rollback has brought it back by then. */
  let released: string | undefined;
  let isBack = false;
  for (const commit of await commitsOf(git, head, path)) {
    const record = parseRecord(path, (await (await snapshotOf(git, commit)).read([path])).get(path) ?? "");
    if ("problems" in record) continue;
    running ??= record.image?.digest;
    if (record.image?.digest === running) {
      released = commit;
      isBack = record.rejected !== undefined;
    } else if (released !== undefined && !isBack)
      return record.image === undefined ? undefined : parentOf(git, released);
  }
  return undefined;
}

/**
 * The newest commit at which a service ran a build.
 * @param build the commit of the monorepo that it was built from, maybe cut short; or its digest
 * @returns `undefined`: it never did
 */
export async function newestOfBuild(
  git: Git,
  head: string,
  location: { readonly directory: string; readonly service: string },
  build: string,
): Promise<string | undefined> {
  const path = recordPath(location.directory, location.service);
  for (const commit of await commitsOf(git, head, path)) {
    const record = parseRecord(path, (await (await snapshotOf(git, commit)).read([path])).get(path) ?? "");
    if ("problems" in record || record.image === undefined) continue;
    const { sourceCommit = "", image } = record;
    const isOfCommit = sourceCommit !== "" && (sourceCommit.startsWith(build) || build.startsWith(sourceCommit));
    if (isOfCommit || image.digest === build) return commit;
  }
  return undefined;
}

async function parentOf(git: Git, commit: string): Promise<string> {
  return (await git(["rev-parse", `${commit}^1`])).toString().trim();
}

/** Those that have changed a file, the newest first. */
async function commitsOf(git: Git, head: string, path: string): Promise<readonly string[]> {
  const shown = ["--format=%H", "--first-parent", "--diff-merges=first-parent"];
  const output = await git(["log", ...shown, head, "--", path]);
  return output
    .toString()
    .split("\n")
    .filter((commit) => commit !== "");
}

/** @throws DeployRepositoryError if the branch has no such commit */
export async function resolveCommit(git: Git, head: string, revision: string): Promise<string> {
  const resolved = await git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]).then(
    (output) => output.toString().trim(),
    () => undefined,
  );
  const known =
    resolved !== undefined &&
    (await git(["merge-base", "--is-ancestor", resolved, head]).then(
      () => true,
      () => false,
    ));
  if (!known)
    throw new DeployRepositoryError(
      `${JSON.stringify(revision)} is no commit of the branch; nothing was changed. \`git log\` in the deploy repository shows them`,
    );
  return resolved;
}

/** An image that a service ran before, and what its record said then. */
export interface EarlierRecord {
  readonly commit: string;
  readonly record: ReleaseRecord & { readonly image: NonNullable<ReleaseRecord["image"]> };
}

/**
 * What a service ran before images that have not proved themselves, the best first: other ones that were not waiting for their own
 * verdict, the newest first, and then the newest that had not failed. Each image is there once; no more of the history is read than is
 * asked for.
 */
export async function* beforeFailure(
  git: Git,
  head: string,
  location: { readonly directory: string; readonly service: string },
  failed: ReadonlySet<string>,
): AsyncGenerator<EarlierRecord, void> {
  const path = recordPath(location.directory, location.service);
  const passed = new Set(failed);
  let unproved: EarlierRecord | undefined;
  for (const commit of await commitsOf(git, head, path)) {
    const record = parseRecord(path, (await (await snapshotOf(git, commit)).read([path])).get(path) ?? "");
    if ("problems" in record || record.image === undefined || passed.has(record.image.digest)) continue;
    const earlier = { commit, record: { ...record, image: record.image } };
    if (record.verification === undefined || record.verification.state === "passed") {
      passed.add(record.image.digest);
      yield earlier;
    } else if (record.verification.state === "pending") unproved ??= earlier;
  }
  if (unproved !== undefined && !passed.has(unproved.record.image.digest)) yield unproved;
}
