import { execFileSync } from "node:child_process";
import { gitUsers } from "../../sandbox/machine/credentials.ts";
import { BareRepository } from "../bare-repository.ts";
import type { GitOpsWorld } from "./gitops-world.ts";

/**
 * Commits to a copy of the deploy repository and runs `git push`, as people do.
 * @param files path → content; `undefined` removes a file
 * @returns the commit
 */
export function pushByHand(
  { repository, repositoryUrl, credentials }: GitOpsWorld,
  files: Readonly<Record<string, string | undefined>>,
): string {
  using copy = new BareRepository({ copyOf: repository });
  const commit = copy.commit(files);
  const login = Buffer.from(`${gitUsers.writer}:${credentials.gitWriteToken}`).toString("base64");
  const header = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${login}`,
  };
  execFileSync("git", ["--git-dir", copy.path, "push", "--quiet", repositoryUrl, "main"], {
    env: { ...process.env, ...header },
    stdio: "pipe",
  });
  return commit;
}
