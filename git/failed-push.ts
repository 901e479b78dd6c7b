import { setTimeout as sleep } from "node:timers/promises";
import { commitBehind, fetchTip, sameChange } from "./branch-head.ts";
import { describeBranch, type DeployBranch } from "./deploy-branch.ts";
import type { Git } from "./git-command.ts";
import { DeployRepositoryError, isMovedBranch, isPassingFailure, isUnanswered, unknownOutcome } from "./git-failure.ts";
import type { Snapshot } from "./snapshot.ts";

/** A push that was refused, or whose answer was lost: then the branch may have the commit all the same, now or a little later. */
export interface FailedPush {
  readonly commit: string;
  readonly error: unknown;
}

export interface PushPlace {
  readonly git: Git;
  /** The Git directory of `git`. */
  readonly directory: string;
  readonly target: DeployBranch;
  /** The branch that was pushed to. @default that of the target */
  readonly pushTo: string | undefined;
}

/** The branch as it is now, and the commit that has arrived there by one of the pushes that failed. */
export async function lookAgain(
  { git, directory, target, pushTo }: PushPlace,
  failed: readonly FailedPush[],
): Promise<{ snapshot: Snapshot; arrived: string | undefined }> {
  const last = failed.at(-1);
  const extent = last === undefined ? "tip" : "since the last fetch";
  try {
    const snapshot = await patiently(() => fetchTip(git, directory, target.branch, extent));
    if (last === undefined) return { snapshot, arrived: undefined };
    if (pushTo !== undefined) return { snapshot, arrived: await patiently(() => sameChange(git, pushTo, last.commit)) };
    const commits = failed.map(({ commit }) => commit);
    return { snapshot, arrived: await commitBehind(git, snapshot.commit, commits) };
  } catch (error) {
    const lost = last !== undefined && (isPassingFailure(last.error) || isUnanswered(last.error));
    throw lost ? unknownOutcome(error, target, last.commit) : error;
  }
}

/** @throws what the last push has failed of, if another one would not fare better */
export function refuseFurtherTry(target: DeployBranch, failed: readonly FailedPush[], tries: number): void {
  const last = failed.at(-1);
  if (last === undefined) return;
  if (!isMovedBranch(last.error)) {
    if (isPassingFailure(last.error) && failed.length < passingTries) return;
    throw isUnanswered(last.error) ? unknownOutcome(last.error, target, last.commit) : last.error;
  }
  if (failed.length < tries) return;
  throw new DeployRepositoryError(
    `${describeBranch(target)} was changed by others at each of ${tries} tries; nothing was changed, run the same command again`,
    { cause: last.error },
  );
}

/** The more of them there are, the further apart they try again. */
export async function pause(failures: number): Promise<void> {
  await sleep(Math.random() * Math.min(50 * 2 ** failures, 3000));
}

/** How often a server may stumble. */
const passingTries = 4;

async function patiently<T>(read: () => Promise<T>, failures = 0): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isPassingFailure(error) || failures + 1 >= passingTries) throw error;
    await pause(failures + 1);
    return patiently(read, failures + 1);
  }
}
