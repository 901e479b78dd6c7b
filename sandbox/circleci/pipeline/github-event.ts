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
export function gitHubEvent(name: string, payload: unknown): GitHubEvent | undefined {
  if (name === "push") return { name, ...pushSchema.parse(payload) };
  if (name === "pull_request") return { name, ...pullRequestSchema.parse(payload) };
  return undefined;
}

/** Whether a pull request comes from another repository. */
export function isFromFork({ pull_request: { head }, repository }: PullRequestEvent): boolean {
  return head.repo !== null && head.repo.full_name !== repository.full_name;
}
