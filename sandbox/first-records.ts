import { commitReleases } from "../git/records.ts";
import { loginToDeployGit } from "./deploy-git.ts";
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
  const { environment, gitops } = sandboxSettings();
  loginToDeployGit(stateDir, "writer");
  await commitReleases({
    repository: deployRepository,
    branch: gitops.branch,
    directory: environment,
    choose: (records) =>
      [...records].flatMap(([service, { image }]) =>
        image === undefined ? [] : [{ ...image, service, sourceCommit }],
      ),
    describe: () => ({
      subject: `release(${environment}): built from the import`,
      trailers: [`Source-Commit: ${sourceCommit}`],
    }),
  });
}
