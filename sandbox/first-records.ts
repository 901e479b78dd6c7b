import { tokenVariable, usernameVariable } from "../git/git-credentials.ts";
import { commitReleases } from "../git/records.ts";
import { ensureCredentials } from "./credentials.ts";
import { gitUsers } from "./deploy-git.ts";
import { sandboxSettings } from "./settings.ts";
import type { StackTargets } from "./targets.ts";

/**
 * Notes in the release records that what `up` has built is of the import: the next pipeline then knows what has changed
 * since, also when one before it has failed.
 */
export async function noteSourceCommit(
  stateDir: string,
  { deployRepository }: StackTargets,
  sourceCommit: string,
): Promise<void> {
  if (deployRepository === undefined) return;
  // Git's credentials come from the environment of this process, here as anywhere.
  const { gitWriteToken } = ensureCredentials(stateDir);
  Object.assign(process.env, { [usernameVariable]: gitUsers.writer, [tokenVariable]: gitWriteToken });
  await commitReleases({
    repository: deployRepository,
    branch: sandboxSettings().gitops.branch,
    directory: "sandbox",
    choose: (records) =>
      [...records].flatMap(([service, { image }]) =>
        image === undefined ? [] : [{ ...image, service, sourceCommit }],
      ),
    describe: () => ({
      subject: "release(sandbox): built from the import",
      trailers: [`Source-Commit: ${sourceCommit}`],
    }),
  });
}
