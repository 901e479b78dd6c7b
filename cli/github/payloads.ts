import { z } from "zod";

const sideSchema = z.object({
  ref: z.string(),
  sha: z.string(),
  /** `null` when the fork is gone. */
  repo: z.object({ full_name: z.string() }).nullable(),
});

/** What the commands read of a pull request; GitHub sends much more. */
export const pullRequestSchema = z
  .object({
    number: z.int(),
    title: z.string(),
    html_url: z.string(),
    state: z.enum(["open", "closed"]),
    merged_at: z.string().nullish(),
    draft: z.boolean().default(false),
    user: z.object({ login: z.string() }).nullable(),
    labels: z.array(z.object({ name: z.string() })),
    head: sideSchema,
    base: sideSchema,
  })
  .transform(({ html_url: url, merged_at: mergedAt, user, labels, head, base, ...same }) => ({
    ...same,
    url,
    merged: typeof mergedAt === "string",
    /** Absent when the account is gone. */
    author: user?.login,
    labels: labels.map(({ name }) => name),
    head: { ref: head.ref, sha: head.sha, repository: head.repo?.full_name },
    base: { ref: base.ref, sha: base.sha },
    /** Whether its commits come from another repository, whose owner is not to be trusted with secrets. */
    fork: head.repo === null || head.repo.full_name !== base.repo?.full_name,
  }));
export type PullRequest = z.infer<typeof pullRequestSchema>;

export const issueCommentSchema = z
  .object({
    id: z.int(),
    html_url: z.string(),
    body: z.string().nullish(),
    user: z.object({ login: z.string(), type: z.string() }).nullable(),
  })
  .transform(({ id, html_url: url, body, user }) => ({ id, url, body: body ?? "", author: user ?? undefined }));
export type IssueComment = z.infer<typeof issueCommentSchema>;

export const labelsSchema = z
  .array(z.object({ name: z.string() }))
  .transform((labels) => labels.map(({ name }) => name));

/** What a commit's page shows beside it. */
export interface CommitStatus {
  state: "pending" | "success" | "failure" | "error";
  /** Tells statuses of one commit apart; the newest of a context counts. */
  context: string;
  /** Cut to GitHub's 140 characters. */
  description?: string | undefined;
  targetUrl?: string | undefined;
}
