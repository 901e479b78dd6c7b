import { join } from "node:path";
import { openGitHub, type GitHub } from "../../cli/github/github.ts";
import { repositoryPath } from "../../sandbox/stand-ins/git-server/repositories.ts";
import { BareRepository } from "../bare-repository.ts";
import { openGitHubAccount } from "./github-account.ts";
import type { GitOpsWorld } from "./gitops-world.ts";

/** A monorepo on the stand-in for GitHub, seen by someone who works on it. */
export interface Workplace {
  /** As owner/name. */
  readonly repository: string;
  readonly github: GitHub;
  /** Opens a pull request of a new branch with one commit, and returns its number and the commit. */
  propose(branch: string): Promise<{ number: number; commit: string }>;
  close(number: number): Promise<void>;
}

/** @param owner whose it is: the sandbox's own repository is left to the tests of its pipelines */
export async function openWorkplace(
  { stateDir, sandbox, credentials }: GitOpsWorld,
  owner: string,
): Promise<Workplace> {
  const { githubApi: api } = sandbox.targets;
  if (api === undefined) throw new Error("the sandbox has no stand-in for GitHub");
  const token = credentials.githubToken;
  const repository = await openGitHubAccount(api, "delinkcious/delinkcious", token).fork(owner);
  const github = openGitHub({ api, repository, token });
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
    close: async (number) => {
      const response = await fetch(`${api}/repos/${repository}/pulls/${number}`, {
        method: "PATCH",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ state: "closed" }),
      });
      if (!response.ok) throw new Error(`closing pull request ${number}: ${response.status} ${await response.text()}`);
    },
  };
}
