import { z } from "zod";

const repositorySchema = z.object({
  id: z.union([z.number(), z.string()]).transform(String),
  full_name: z.string(),
  clone_url: z.string(),
  default_branch: z.string().default("main"),
});

const pushSchema = z.object({
  ref: z.string(),
  before: z.string(),
  after: z.string(),
  deleted: z.boolean().default(false),
  created: z.boolean().default(false),
  commits: z.array(z.unknown()).optional(),
  head_commit: z.object({ message: z.string() }).nullish(),
  repository: repositorySchema,
});

const headSchema = z.object({
  ref: z.string(),
  sha: z.string(),
  // A fork may be gone.
  repo: z.object({ full_name: z.string(), fork: z.boolean(), clone_url: z.string() }).nullable(),
});

const pullRequestSchema = z.object({
  action: z.string(),
  number: z.number(),
  label: z.object({ name: z.string() }).optional(),
  pull_request: z.object({
    html_url: z.string().optional(),
    title: z.string().default(""),
    draft: z.boolean().default(false),
    merged: z.boolean().default(false),
    head: headSchema,
    base: z.object({ ref: z.string(), sha: z.string().default("") }),
  }),
  repository: repositorySchema,
});

export type PushEvent = { name: "push" } & z.infer<typeof pushSchema>;
export type PullRequestEvent = { name: "pull_request" } & z.infer<typeof pullRequestSchema>;
export type GitHubEvent = PushEvent | PullRequestEvent;

/**
 * What a webhook of GitHub says; of its many members those that count here.
 * Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
 *
 * @param name the header `X-GitHub-Event`
 * @returns `undefined` for an event that starts no pipeline
 * @throws ZodError
 */
export function parseGitHubEvent(name: string, payload: unknown): GitHubEvent | undefined {
  if (name === "push") return { name, ...pushSchema.parse(payload) };
  if (name === "pull_request") return { name, ...pullRequestSchema.parse(payload) };
  return undefined;
}

/** Whether a pull request comes from another repository. */
export function isFromFork({ pull_request: { head }, repository }: PullRequestEvent): boolean {
  return head.repo !== null && head.repo.full_name !== repository.full_name;
}

/** The events of a repository that a trigger can choose. */
export const eventPresets = [
  "all-pushes",
  "only-tags",
  "default-branch-pushes",
  "only-build-prs",
  "only-open-prs",
  "only-labeled-prs",
  "only-merged-prs",
  "only-ready-for-review-prs",
  "only-branch-delete",
  "only-build-pushes-to-non-draft-prs",
  "only-merged-or-closed-prs",
  "pr-comment-equals-run-ci",
  "non-draft-pr-opened",
  "pushes-to-merge-queues",
] as const;

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
const presetMatches: Readonly<Record<Preset, { push: PushMatch; pullRequest: PullRequestMatch }>> = {
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
  const match = isPreset(preset) ? presetMatches[preset] : undefined;
  if (match === undefined) return false;
  if (event.name === "push") return !event.deleted && !isEmptyBranch(event) && !isSkipped(event) && match.push(event);
  // Nobody pushes a fork's commits here: a change of the pull request's head stands for it.
  if (isFromFork(event) && preset === "all-pushes") return isHeadChange(event);
  return match.pullRequest(event);
}

function isPreset(preset: string | undefined): preset is Preset {
  return preset !== undefined && Object.hasOwn(presetMatches, preset);
}

/** A new branch without a commit of its own starts nothing. */
function isEmptyBranch({ created, commits, ref }: PushEvent): boolean {
  return created && commits?.length === 0 && ref.startsWith("refs/heads/");
}

/** Source: https://circleci.com/docs/skip-build/ */
function isSkipped({ head_commit: commit }: PushEvent): boolean {
  return /\[(?:ci skip|skip ci)\]/i.test(commit?.message.slice(0, 250) ?? "");
}
