import { holdLabel } from "../github/hold.ts";
import { shortCommit } from "../../git/records.ts";
import { Refusal } from "./answers.ts";
import type { ChatRequest } from "./chat-context.ts";

/** What commands ask for, each with the sentence for whoever does not have it. */

export function assertOfSource({ repository, places }: ChatRequest): void {
  if (repository.name === places.source.name) return;
  throw new Refusal(`that is for the pull requests of ${places.source.name}`);
}

export function assertOpen({ pullRequest }: ChatRequest): void {
  if (pullRequest.state === "open") return;
  throw new Refusal(`the pull request is ${pullRequest.merged ? "merged" : "closed"}: there is nothing to do any more`);
}

/** @returns the commit on the delivered branch */
export function assertMerged({ pullRequest }: ChatRequest): string {
  const { merged, mergeCommit } = pullRequest;
  if (merged && mergeCommit !== undefined) return mergeCommit;
  throw new Refusal("the pull request is not merged: no environment runs it");
}

export function assertNotHeld({ pullRequest }: ChatRequest): void {
  if (pullRequest.labels.includes(holdLabel))
    throw new Refusal(`the pull request is on hold (label ${holdLabel}); \`/delivery unhold\` ends that`);
}

/**
 * What is said about a commit must be about the one that the pull request has.
 * @param named the commit that the comment names. @default the one that it had when the comment came
 */
export function assertSameCommit({ pullRequest, heardAt }: ChatRequest, named: string | undefined): void {
  const { sha } = pullRequest.head;
  const meant = named ?? heardAt;
  if (meant === undefined)
    throw new Refusal(
      `nobody listened when that was written, so that it is not known which commit is meant; the pull request is at ${shortCommit(sha)} now: name it, or write it again`,
    );
  if (!sha.startsWith(meant))
    throw new Refusal(`the pull request is at ${sha} by now, and not at ${meant}; look at what has changed`);
}

/** Who changes what an environment runs could make that commit by hand. */
export async function assertMayDeploy({ places, login }: ChatRequest, repository: string): Promise<void> {
  const deploy = places.deploys.get(repository) ?? places.source;
  if (await deploy.chat.mayWrite(login)) return;
  throw new Refusal(`only who may write to ${deploy.name} changes what an environment runs`);
}
