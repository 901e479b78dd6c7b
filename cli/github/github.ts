import { z } from "zod";
import { Connection, type ConnectionOptions } from "./connection.ts";

/** What the commands ask of one repository on GitHub. */
export interface GitHub {
  /** As owner/name. */
  readonly repository: string;
  pullRequest(number: number): Promise<PullRequest>;
  /** By a branch of this repository itself, or by a commit of any repository. */
  openPullRequestsFor(head: { branch: string } | { sha: string }): Promise<PullRequest[]>;
  /** Those that a commit is of, also when they are merged or closed. */
  pullRequestsOf(sha: string): Promise<PullRequest[]>;
  /** Says something of a commit, in place of what was said of it in the same context before. */
  setStatus(sha: string, status: CommitStatus): Promise<void>;
  /** What was said last of a commit in a context, e.g. `success`; `undefined`: nothing. */
  stateOf(sha: string, context: string): Promise<string | undefined>;
  /** Returns the one that is open for the same branches already, if there is one. */
  createPullRequest(pullRequest: NewPullRequest): Promise<PullRequest>;
  /** The paths that it changes; a renamed file counts at both. `undefined`: there may be more than GitHub lists. */
  changedFiles(number: number): Promise<string[] | undefined>;
  comments(number: number): Promise<IssueComment[]>;
  createComment(number: number, body: string): Promise<IssueComment>;
  updateComment(id: number, body: string): Promise<IssueComment>;
  /** A comment that is gone already is no error. */
  deleteComment(id: number): Promise<void>;
  /** The user of the token; `undefined`: there is no token, or it is an app's, whose user GitHub does not say. */
  login(): Promise<string | undefined>;
}

/** Source: https://docs.github.com/en/rest/commits/statuses#create-a-commit-status */
export interface CommitStatus {
  readonly state: "failure" | "pending" | "success";
  /** What it is about: each says one thing of a commit. */
  readonly context: string;
  /** GitHub takes 140 characters; what is longer is cut. */
  readonly description: string;
  readonly url?: string | undefined;
}

interface NewPullRequest {
  readonly title: string;
  readonly body: string;
  /** The branch of this repository with the change. */
  readonly head: string;
  /** The branch that it is for. */
  readonly base: string;
}

export interface GitHubOptions extends ConnectionOptions {
  /** As owner/name. */
  readonly repository: string;
}

/**
 * GitHub lists no more files of a pull request, and does not say that there are more.
 * Source: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
 */
const mostFiles = 3_000;

export function openGitHub({ repository, ...options }: GitHubOptions): GitHub {
  const connection = new Connection(options);
  const root = `/repos/${repository}`;
  const owner = repository.split("/")[0] ?? "";

  const pullRequestsAt = (path: string, title: string): Promise<PullRequest[]> =>
    connection.list({
      title: `list the pull requests of ${title} of ${repository}`,
      path: `${root}${path}`,
      schema: z.array(pullRequestSchema),
    });

  const openPullRequestsFor: GitHub["openPullRequestsFor"] = async (head) => {
    const [path, title] =
      "branch" in head
        ? [`/pulls?state=open&head=${encodeURIComponent(`${owner}:${head.branch}`)}`, `branch ${head.branch}`]
        : [`/commits/${encodeURIComponent(head.sha)}/pulls`, `commit ${head.sha}`];
    return (await pullRequestsAt(path, title)).filter(({ state }) => state === "open");
  };

  return {
    repository,
    openPullRequestsFor,
    pullRequestsOf: (sha) => pullRequestsAt(`/commits/${encodeURIComponent(sha)}/pulls`, `commit ${sha}`),
    async setStatus(sha, { state, context, description, url }) {
      await connection.call({
        title: `set the status ${context} of commit ${sha} of ${repository}`,
        method: "POST",
        path: `${root}/statuses/${encodeURIComponent(sha)}`,
        body: {
          state,
          context,
          description: description.slice(0, 140),
          ...(url === undefined ? {} : { target_url: url }),
        },
        schema: z.object({}),
      });
    },
    async stateOf(sha, context) {
      // An object for each page, with the list in it: a pipeline of many jobs has more contexts than one page holds.
      const statuses = await connection.list({
        title: `read the statuses of commit ${sha} of ${repository}`,
        path: `${root}/commits/${encodeURIComponent(sha)}/status`,
        schema: z
          .object({ statuses: z.array(z.object({ context: z.string(), state: z.string() })) })
          .transform((page) => page.statuses),
      });
      return statuses.find((status) => status.context === context)?.state;
    },
    pullRequest: (number) =>
      connection.call({
        title: `read pull request ${repository}#${number}`,
        path: `${root}/pulls/${number}`,
        schema: pullRequestSchema,
      }),
    async createPullRequest({ head, base, title, body }) {
      const same = (await openPullRequestsFor({ branch: head })).find((open) => open.base.ref === base);
      if (same !== undefined) return same;
      return connection.call({
        title: `open a pull request of ${head} for ${base} of ${repository}`,
        method: "POST",
        path: `${root}/pulls`,
        body: { title, body, head, base },
        schema: pullRequestSchema,
      });
    },
    async changedFiles(number) {
      const files = await connection.list({
        title: `list the files of pull request ${repository}#${number}`,
        path: `${root}/pulls/${number}/files`,
        schema: z.array(z.object({ filename: z.string(), previous_filename: z.string().optional() })),
      });
      if (files.length >= mostFiles) return undefined;
      return files.flatMap(({ filename, previous_filename: previous }) => [
        filename,
        ...(previous === undefined ? [] : [previous]),
      ]);
    },
    comments: (number) =>
      connection.list({
        title: `list the comments of ${repository}#${number}`,
        path: `${root}/issues/${number}/comments`,
        schema: z.array(issueCommentSchema),
      }),
    createComment: (number, body) =>
      connection.call({
        title: `comment on ${repository}#${number}`,
        method: "POST",
        path: `${root}/issues/${number}/comments`,
        body: { body },
        schema: issueCommentSchema,
      }),
    updateComment: (id, body) =>
      connection.call({
        title: `update comment ${id} of ${repository}`,
        method: "PATCH",
        path: `${root}/issues/comments/${id}`,
        body: { body },
        schema: issueCommentSchema,
      }),
    async deleteComment(id) {
      await connection.find({
        title: `delete comment ${id} of ${repository}`,
        method: "DELETE",
        path: `${root}/issues/comments/${id}`,
        schema: z.undefined(),
      });
    },
    async login() {
      if (options.token === undefined) return undefined;
      const user = await connection.find({
        title: "say whose token it is",
        path: "/user",
        absent: [403, 404],
        schema: z.object({ login: z.string() }),
      });
      return user?.login;
    },
  };
}

/** What the commands read of a pull request; GitHub sends much more. */
const pullRequestSchema = z
  .object({
    number: z.int(),
    html_url: z.string(),
    state: z.enum(["open", "closed"]),
    merged_at: z.string().nullish(),
    merge_commit_sha: z.string().nullish(),
    labels: z.array(z.object({ name: z.string() })),
    head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ full_name: z.string() }).nullish() }),
    base: z.object({ ref: z.string() }),
  })
  .transform(({ html_url: url, merged_at: mergedAt, merge_commit_sha: mergeCommit, labels, head, ...same }) => ({
    ...same,
    url,
    merged: typeof mergedAt === "string",
    /** On the base branch; of one that is open, GitHub's trial of it. */
    mergeCommit: mergeCommit ?? undefined,
    labels: labels.map(({ name }) => name),
    head: {
      ref: head.ref,
      sha: head.sha,
      /** Whose branch it is, as owner/name; `undefined`: the fork is gone. */
      repository: head.repo?.full_name,
    },
  }));
export type PullRequest = z.infer<typeof pullRequestSchema>;

const issueCommentSchema = z
  .object({
    id: z.int(),
    html_url: z.string(),
    body: z.string().nullish(),
    user: z.object({ login: z.string(), type: z.string() }).nullable(),
  })
  .transform(({ id, html_url: url, body, user }) => ({ id, url, body: body ?? "", author: user ?? undefined }));
export type IssueComment = z.infer<typeof issueCommentSchema>;
