import { z } from "zod";

const statusSchema = z.object({
  state: z.string(),
  statuses: z.array(z.object({ context: z.string(), state: z.string(), description: z.string().nullable() })),
});
const commentSchema = z.object({ id: z.number(), body: z.string() });
const pullRequestSchema = z.object({ number: z.number() });

/** The source repository as its people see it on GitHub. */
export interface GitHubAccount {
  /** Context → state of the newest status of a commit. */
  statuses(commit: string): Promise<Record<string, string>>;
  comments(pullRequest: number): Promise<{ id: number; body: string }[]>;
  /** @param head the branch, or `owner:branch` of a fork. Returns the number */
  openPullRequest(title: string, head: string): Promise<number>;
  close(pullRequest: number): Promise<void>;
  /** A copy of the repository for somebody else. Returns its full name. */
  fork(owner: string): Promise<string>;
}

export function openGitHubAccount(api: string, repository: string, token: string): GitHubAccount {
  const ask = async <T extends z.ZodType>(method: string, path: string, schema: T, body?: unknown) => {
    const response = await fetch(`${api}/repos/${repository}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return schema.parse(await response.json());
  };
  return {
    async statuses(commit) {
      const { statuses } = await ask("GET", `/commits/${commit}/status`, statusSchema);
      return Object.fromEntries(statuses.map(({ context, state }) => [context, state]));
    },
    comments: (number) => ask("GET", `/issues/${number}/comments`, z.array(commentSchema)),
    openPullRequest: async (title, head) =>
      (await ask("POST", "/pulls", pullRequestSchema, { title, head, base: "main" })).number,
    close: async (number) => void (await ask("PATCH", `/pulls/${number}`, z.object({}), { state: "closed" })),
    fork: async (organization) =>
      (await ask("POST", "/forks", z.object({ full_name: z.string() }), { organization })).full_name,
  };
}
