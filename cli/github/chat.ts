import { z } from "zod";
import { Connection } from "./connection.ts";
import type { GitHubOptions } from "./github.ts";

/** What answering comments asks of one repository on GitHub, beside reading them. */
export interface GitHubChat {
  /** `undefined`: it is gone. */
  comment(id: number): Promise<ChatComment | undefined>;
  /** Those of all pull requests and issues that were written or changed since then, the oldest first. */
  recentComments(since: Date): Promise<ChatComment[]>;
  /** Whether someone may write to the repository. */
  mayWrite(login: string): Promise<boolean>;
  /** The same twice is once. */
  react(comment: number, content: Reaction): Promise<void>;
  /** Whose reactions a comment has. */
  reactedBy(comment: number): Promise<readonly string[]>;
  addLabel(number: number, label: string): Promise<void>;
  /** One that is not there is no error. */
  removeLabel(number: number, label: string): Promise<void>;
  /** The numbers of the pull requests with a label, open or not. */
  labelled(label: string): Promise<readonly number[]>;
  setStatus(commit: string, status: CommitStatus): Promise<void>;
  /** Merges a pull request that is at this commit. @returns the commit on the base branch; `undefined`: it cannot be merged, or has moved */
  merge(number: number, at: string, message: MergeMessage): Promise<string | undefined>;
}

export type Reaction = "+1" | "-1" | "confused";

export interface CommitStatus {
  readonly context: string;
  readonly state: "success" | "failure";
  /** GitHub takes 140 characters. */
  readonly description: string;
  readonly url: string;
}

interface MergeMessage {
  readonly title: string;
  readonly body: string;
}

export function openGitHubChat({ repository, ...options }: GitHubOptions): GitHubChat {
  const connection = new Connection(options);
  const root = `/repos/${repository}`;
  const issue = (number: number): string => `${root}/issues/${number}`;
  return {
    comment: (id) =>
      connection.find({
        title: `read comment ${id} of ${repository}`,
        path: `${root}/issues/comments/${id}`,
        schema: chatCommentSchema,
      }),
    async recentComments(since) {
      const time = encodeURIComponent(since.toISOString().replace(/\.\d+Z$/, "Z"));
      const found = await connection.list({
        title: `list the newest comments of ${repository}`,
        path: `${root}/issues/comments?sort=created&direction=asc&since=${time}`,
        schema: z.array(chatCommentSchema),
      });
      return found.toSorted((one, other) => one.id - other.id);
    },
    async mayWrite(login) {
      const found = await connection.find({
        title: `say what ${login} may do in ${repository}`,
        path: `${root}/collaborators/${encodeURIComponent(login)}/permission`,
        schema: z.object({ permission: z.string() }),
      });
      return found !== undefined && ["admin", "write"].includes(found.permission);
    },
    async react(comment, content) {
      await connection.call({
        title: `react to comment ${comment} of ${repository}`,
        method: "POST",
        path: `${root}/issues/comments/${comment}/reactions`,
        body: { content },
        schema: z.unknown(),
      });
    },
    async reactedBy(comment) {
      const found = await connection.list({
        title: `list the reactions to comment ${comment} of ${repository}`,
        path: `${root}/issues/comments/${comment}/reactions`,
        schema: z.array(z.object({ user: z.object({ login: z.string() }).nullable() })),
      });
      return found.flatMap(({ user }) => user?.login ?? []);
    },
    async addLabel(number, label) {
      await connection.call({
        title: `label ${repository}#${number}`,
        method: "POST",
        path: `${issue(number)}/labels`,
        body: { labels: [label] },
        schema: z.unknown(),
      });
    },
    async removeLabel(number, label) {
      await connection.find({
        title: `take the label ${label} off ${repository}#${number}`,
        method: "DELETE",
        path: `${issue(number)}/labels/${encodeURIComponent(label)}`,
        schema: z.unknown(),
      });
    },
    async labelled(label) {
      const found = await connection.list({
        title: `list what is labelled ${label} in ${repository}`,
        path: `${root}/issues?state=all&labels=${encodeURIComponent(label)}`,
        schema: z.array(z.object({ number: z.int(), pull_request: z.unknown().optional() })),
      });
      return found.flatMap(({ number, pull_request: pull }) => (pull === undefined ? [] : [number]));
    },
    async setStatus(commit, { context, state, description, url }) {
      await connection.call({
        title: `set the status ${context} of ${commit} in ${repository}`,
        method: "POST",
        path: `${root}/statuses/${commit}`,
        body: { context, state, description: description.slice(0, 140), target_url: url },
        schema: z.unknown(),
      });
    },
    async merge(number, at, { title, body }) {
      const merged = await connection.find({
        title: `merge ${repository}#${number}`,
        method: "PUT",
        path: `${root}/pulls/${number}/merge`,
        body: { sha: at, commit_title: title, commit_message: body },
        absent: [405, 409],
        schema: z.object({ sha: z.string() }),
      });
      return merged?.sha;
    },
  };
}

/** A comment as the API and webhooks have it. */
export const chatCommentSchema = z
  .object({
    id: z.int(),
    html_url: z.string(),
    issue_url: z.string(),
    body: z.string().nullish(),
    user: z.object({ login: z.string(), type: z.string() }).nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .transform(
    ({ id, html_url: url, issue_url: issueUrl, body, user, created_at: createdAt, updated_at: updatedAt }) => ({
      id,
      url,
      /** Of the pull request or issue. */
      number: Number(issueUrl.split("/").at(-1)),
      body: body ?? "",
      author: user ?? undefined,
      createdAt,
      updatedAt,
    }),
  );
/** A comment, and when it was written; times are ISO 8601. */
export type ChatComment = z.infer<typeof chatCommentSchema>;
