import type { eventPresets } from "../event-presets.ts";
import { isFromFork, type GitHubEvent, type PullRequestEvent, type PushEvent } from "./github-event.ts";

type Preset = (typeof eventPresets)[number];
type PullRequestMatch = (event: PullRequestEvent) => boolean;
type PushMatch = (event: PushEvent) => boolean;

const isTag: PushMatch = ({ ref }) => ref.startsWith("refs/tags/");
const isDefaultBranch: PushMatch = ({ ref, repository }) => ref === `refs/heads/${repository.default_branch}`;
const isAction =
  (...actions: string[]): PullRequestMatch =>
  ({ action }) =>
    actions.includes(action);
const never = (): boolean => false;
/** What moves a pull request's head. */
const isHeadChange = isAction("opened", "reopened", "synchronize");

/**
 * Which events a preset means.
 * Source: https://circleci.com/docs/github-trigger-event-options/#supported-trigger-options
 */
const matches: Readonly<Record<Preset, { push: PushMatch; pullRequest: PullRequestMatch }>> = {
  "all-pushes": { push: () => true, pullRequest: never },
  "only-tags": { push: isTag, pullRequest: never },
  "default-branch-pushes": { push: isDefaultBranch, pullRequest: never },
  "pushes-to-merge-queues": { push: ({ ref }) => ref.startsWith("refs/heads/gh-readonly-queue/"), pullRequest: never },
  "only-build-prs": { push: (event) => isTag(event) || isDefaultBranch(event), pullRequest: isHeadChange },
  "only-open-prs": { push: never, pullRequest: isAction("opened") },
  "non-draft-pr-opened": {
    push: never,
    pullRequest: (event) => event.action === "opened" && !event.pull_request.draft,
  },
  "only-build-pushes-to-non-draft-prs": {
    push: never,
    pullRequest: (event) => event.action === "synchronize" && !event.pull_request.draft,
  },
  "only-ready-for-review-prs": { push: never, pullRequest: isAction("ready_for_review") },
  "only-labeled-prs": {
    push: never,
    pullRequest: (event) => event.action === "labeled" && event.label?.name === "run-ci",
  },
  "only-merged-prs": {
    push: never,
    pullRequest: (event) => event.action === "closed" && event.pull_request.merged,
  },
  "only-merged-or-closed-prs": { push: never, pullRequest: isAction("closed") },
  // Nothing here sends comments, and a branch that is gone cannot be checked out.
  "pr-comment-equals-run-ci": { push: never, pullRequest: never },
  "only-branch-delete": { push: never, pullRequest: never },
};

/** Whether an event starts the pipeline of a trigger with this preset. */
export function startsPipeline(preset: string | undefined, event: GitHubEvent): boolean {
  const match = isPreset(preset) ? matches[preset] : undefined;
  if (match === undefined) return false;
  if (event.name === "push") return !event.deleted && !isEmptyBranch(event) && !isSkipped(event) && match.push(event);
  // Nobody pushes a fork's commits here: a change of the pull request's head stands for it.
  if (isFromFork(event) && preset === "all-pushes") return isHeadChange(event);
  return match.pullRequest(event);
}

function isPreset(preset: string | undefined): preset is Preset {
  return preset !== undefined && Object.hasOwn(matches, preset);
}

/** A new branch without a commit of its own starts nothing. */
function isEmptyBranch({ created, commits, ref }: PushEvent): boolean {
  return created && commits?.length === 0 && ref.startsWith("refs/heads/");
}

/** Source: https://circleci.com/docs/skip-build/ */
function isSkipped({ head_commit: commit }: PushEvent): boolean {
  return /\[(?:ci skip|skip ci)\]/i.test(commit?.message.slice(0, 250) ?? "");
}
