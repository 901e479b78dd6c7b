import { join } from "node:path";
import { z } from "zod";
import { openGitHub, type GitHub } from "../../../cli/github/github.ts";
import { repositoryPath } from "../../../sandbox/stand-ins/git-server/repositories.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import type { GitOpsHarness } from "./gitops-harness.ts";

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
  label(pullRequest: number, label: string): Promise<void>;
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
      const { statuses } = await ask("GET", `/commits/${commit}/status?per_page=100`, statusSchema);
      return Object.fromEntries(statuses.map(({ context, state }) => [context, state]));
    },
    comments: (number) => ask("GET", `/issues/${number}/comments`, z.array(commentSchema)),
    openPullRequest: async (title, head) =>
      (await ask("POST", "/pulls", pullRequestSchema, { title, head, base: "main" })).number,
    label: async (number, label) =>
      void (await ask("POST", `/issues/${number}/labels`, z.array(z.object({})), { labels: [label] })),
    close: async (number) => void (await ask("PATCH", `/pulls/${number}`, z.object({}), { state: "closed" })),
    fork: async (organization) =>
      (await ask("POST", "/forks", z.object({ full_name: z.string() }), { organization })).full_name,
  };
}

/** A monorepo on the stand-in for GitHub, seen by someone who works on it. */
export interface Contributor {
  /** As owner/name. */
  readonly repository: string;
  readonly github: GitHub;
  /** Opens a pull request of a new branch with one commit, and returns its number and the commit. */
  propose(branch: string): Promise<{ number: number; commit: string }>;
  label(number: number, label: string): Promise<void>;
  close(number: number): Promise<void>;
}

/** @param owner whose it is: the sandbox's own repository is left to the tests of its pipelines */
export async function openContributor(
  { stateDir, sandbox, credentials }: GitOpsHarness,
  owner: string,
): Promise<Contributor> {
  const { githubApi: api } = sandbox.endpoints;
  if (api === undefined) throw new Error("the sandbox has no stand-in for GitHub");
  const token = credentials.githubToken;
  const repository = await openGitHubAccount(api, "delinkcious/delinkcious", token).fork(owner);
  const github = openGitHub({ api, repository, token });
  const account = openGitHubAccount(api, repository, token);
  const source = new BareRepository({ existing: repositoryPath(join(stateDir, "git"), repository) });
  return {
    repository,
    github,
    propose: async (branch) => {
      if (!source.branches().includes("main")) source.commit({ "README.md": "# A shop\n" });
      source.git("branch", branch, "main");
      const commit = source.commit({ "README.md": `# The shop of ${branch}\n` }, "Rename the shop", branch);
      const { number } = await github.createPullRequest({ title: branch, body: "", head: branch, base: "main" });
      return { number, commit };
    },
    label: (number, label) => account.label(number, label),
    close: (number) => account.close(number),
  };
}
