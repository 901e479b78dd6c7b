import { z } from "zod";

/** What starts runs, in the words that their annotations and placeholders have for it. */
export interface RunEvent {
  readonly event: "push" | "pull_request" | "incoming";
  /** Where the repository is on its host, as `Repository` objects name it. */
  readonly url: string;
  readonly fullName: string;
  readonly defaultBranch: string;
  /** What Git clones. */
  readonly cloneUrl: string;
  readonly revision: string;
  readonly sourceBranch: string;
  readonly targetBranch: string;
  /** The repository that the commit comes from: a pull request may come from a fork. */
  readonly sourceUrl: string;
  readonly pullRequest?: number;
}

const repositorySchema = z.object({
  html_url: z.string(),
  full_name: z.string(),
  clone_url: z.string(),
  default_branch: z.string(),
});
const pushSchema = z.object({
  ref: z.string(),
  after: z.string(),
  deleted: z.boolean().default(false),
  head_commit: z.object({ message: z.string() }).nullish(),
  repository: repositorySchema,
});
const pullRequestSchema = z.object({
  action: z.string(),
  number: z.number(),
  pull_request: z.object({
    head: z.object({ ref: z.string(), sha: z.string(), repo: repositorySchema.nullable() }),
    base: z.object({ ref: z.string() }),
  }),
  repository: repositorySchema,
});
type HostedRepository = z.infer<typeof repositorySchema>;

/** Those that bring a commit; a label starts nothing. */
const commitActions = new Set(["opened", "reopened", "synchronize"]);
/** Source: https://pipelinesascode.com/docs/guide/gitops_commands/#skip-ci-commands */
const skipped = /\[(skip ci|ci skip|skip tkn|tkn skip)\]/;

/**
 * @param name the header `X-GitHub-Event`
 * @returns `undefined` for one that starts nothing
 * @throws ZodError
 */
export function eventOf(name: string, payload: unknown): RunEvent | undefined {
  if (name === "push") return pushOf(pushSchema.parse(payload));
  if (name === "pull_request") return pullRequestOf(pullRequestSchema.parse(payload));
  return undefined;
}

function pushOf({ ref, after, deleted, head_commit: head, repository }: z.infer<typeof pushSchema>) {
  if (deleted || !ref.startsWith("refs/heads/") || skipped.test(head?.message ?? "")) return undefined;
  return pushedEvent("push", repository, ref.slice("refs/heads/".length), after);
}

/** What is pushed to a branch, or asked for one. */
export function pushedEvent(
  event: "push" | "incoming",
  repository: HostedRepository,
  branch: string,
  revision: string,
): RunEvent {
  return { ...hosted(repository), event, revision, sourceBranch: branch, targetBranch: branch };
}

function pullRequestOf(payload: z.infer<typeof pullRequestSchema>): RunEvent | undefined {
  const { action, number, repository } = payload;
  const { head, base } = payload.pull_request;
  if (!commitActions.has(action) || head.repo === null) return undefined;
  return {
    ...hosted(repository),
    event: "pull_request",
    revision: head.sha,
    sourceBranch: head.ref,
    targetBranch: base.ref,
    sourceUrl: head.repo.html_url,
    pullRequest: number,
  };
}

function hosted({
  html_url: url,
  full_name: fullName,
  clone_url: cloneUrl,
  default_branch: defaultBranch,
}: HostedRepository) {
  return { url, fullName, cloneUrl, defaultBranch, sourceUrl: url };
}
