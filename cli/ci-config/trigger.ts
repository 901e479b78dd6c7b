import { errorMessage } from "../../core/error.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import type { CommandContext } from "../command.ts";
import { githubOf } from "../github/access.ts";
import type { PullRequest } from "../github/github.ts";
import { holdLabel } from "../github/hold.ts";
import { previewMarker } from "../github/sticky-comment.ts";
import type { TriggerKind } from "./pipeline.ts";

/** Why a pipeline runs, and the pull request that it runs for, if there is one. */
export interface Trigger {
  readonly kind: TriggerKind;
  readonly pullRequest?: number | undefined;
  /** It is in a merge queue: what is tested is what the delivered branch would be. @default false */
  readonly queued?: true;
  /** The pull request that is on hold: its pipeline fails, whatever its jobs come to. @default none */
  readonly held?: number;
}

interface TriggerArgs {
  readonly branch: string;
  /** What is merged there is delivered. */
  readonly deliveredBranch: string;
  /** What a schedule asks for. @default a push */
  readonly schedule: Extract<TriggerKind, "drift" | "resume"> | undefined;
  /** Environments for pull requests. @default there are none */
  readonly previews: NonNullable<StackSettings["gitops"]>["previews"];
  /** @default the monorepo is not known to be on GitHub: there are no pull requests */
  readonly github: StackSettings["github"];
}

/** GitHub's name for the branch of a pull request in a merge queue: of what it is for, and which is first in it. */
const queueBranch = /^gh-readonly-queue\/.+\/pr-(\d+)-[0-9a-f]{40,64}$/;

/** CircleCI's name for the branch of a pull request that comes from a fork. */
const forkBranch = /^pull\/(\d+)$/;

export async function triggerOf(
  args: TriggerArgs,
  context: Pick<CommandContext, "environment" | "signal" | "note">,
): Promise<Trigger> {
  const { branch, deliveredBranch, schedule, previews } = args;
  if (schedule !== undefined) return { kind: schedule };
  if (branch === deliveredBranch) return { kind: "deliver" };
  const fork = forkBranch.exec(branch)?.[1];
  if (fork !== undefined) return { kind: "review-of-fork", pullRequest: Number(fork) };
  const queued = queueBranch.exec(branch)?.[1];
  const pullRequest =
    queued === undefined
      ? await openPullRequest(args, context)
      : await queuedPullRequest(args, Number(queued), context);
  // What waits there is as the delivered branch will be: it has been previewed, and gets no environment.
  if (queued !== undefined) return { kind: "review", queued: true, ...heldBy(pullRequest) };
  const labelled = previews !== undefined && pullRequest?.labels.includes(previews.label) === true;
  return {
    kind: labelled ? "review-with-environment" : "review",
    pullRequest: pullRequest?.number,
    ...heldBy(pullRequest),
  };
}

function heldBy(pullRequest: PullRequest | undefined): Pick<Trigger, "held"> {
  return pullRequest?.labels.includes(holdLabel) === true ? { held: pullRequest.number } : {};
}

/** Where GitHub does not answer, it is on hold as little as any other. */
async function queuedPullRequest(
  { github }: TriggerArgs,
  number: number,
  context: Pick<CommandContext, "environment" | "signal" | "note">,
): Promise<PullRequest | undefined> {
  if (github === undefined) return undefined;
  return githubOf(github, context)
    .pullRequest(number)
    .catch((error: unknown) => {
      if (context.signal.aborted) throw error;
      context.note(`whether pull request ${number} is on hold is not known, so it is not: ${errorMessage(error)}`);
      return undefined;
    });
}

/** Where GitHub does not answer, there is none: the commit is tested all the same. */
async function openPullRequest(
  { branch, deliveredBranch, github }: TriggerArgs,
  context: Pick<CommandContext, "environment" | "signal" | "note">,
): Promise<PullRequest | undefined> {
  if (github === undefined) return undefined;
  try {
    const open = await githubOf(github, context).openPullRequestsFor({ branch });
    return open.find(({ base }) => base.ref === deliveredBranch) ?? open[0];
  } catch (error) {
    if (context.signal.aborted) throw error;
    const reason = errorMessage(error);
    context.note(`whether there is a pull request for ${branch} is not known, so there is none: ${reason}`);
    return undefined;
  }
}

/**
 * Whether the pull request has the report of an earlier commit, which must be replaced even if the pull request changes
 * nothing any more. Where GitHub does not answer, it has none.
 */
export async function hasEarlierPreview(
  github: TriggerArgs["github"],
  { kind, pullRequest }: Trigger,
  context: Pick<CommandContext, "environment" | "signal" | "note">,
): Promise<boolean> {
  // A fork's preview writes no comment.
  if (github === undefined || pullRequest === undefined || kind === "review-of-fork") return false;
  try {
    const comments = await githubOf(github, context).comments(pullRequest);
    return comments.some(({ body }) => body.startsWith(previewMarker));
  } catch (error) {
    if (context.signal.aborted) throw error;
    const reason = errorMessage(error);
    context.note(`whether pull request ${pullRequest} has a preview is not known, so it has none: ${reason}`);
    return false;
  }
}
