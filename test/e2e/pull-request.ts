import { join } from "node:path";
import { openGitHub, type GitHub } from "../../cli/github/github.ts";
import { repositoryPath } from "../../sandbox/git-server/repositories.ts";
import { BareRepository } from "../bare-repository.ts";
import type { GitOpsWorld } from "./gitops-world.ts";

/** The monorepo on the stand-in for GitHub, seen by someone who works on it. */
export interface Workplace {
  readonly github: GitHub;
  /** Opens a pull request of a new branch with one commit, and returns its number and the commit. */
  propose(branch: string): Promise<{ number: number; commit: string }>;
  close(number: number): Promise<void>;
}

export function openWorkplace({ stateDir, sandbox, credentials }: GitOpsWorld, repository: string): Workplace {
  const { githubApi: api } = sandbox.targets;
  if (api === undefined) throw new Error("the sandbox has no stand-in for GitHub");
  const token = credentials.githubToken;
  const github = openGitHub({ api, repository, token });
  const source = new BareRepository({ existing: repositoryPath(join(stateDir, "git"), repository) });
  return {
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
