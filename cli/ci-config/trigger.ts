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
  /** The pull request is on hold: its pipeline fails, whatever its jobs come to. @default false */
  readonly held?: boolean;
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
  const pullRequest = await openPullRequest(args, context);
  const labelled = previews !== undefined && pullRequest?.labels.includes(previews.label) === true;
  const held = pullRequest?.labels.includes(holdLabel) === true;
  return {
    kind: labelled ? "review-with-environment" : "review",
    pullRequest: pullRequest?.number,
    ...(held ? { held } : {}),
  };
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
