import type { Monorepo } from "../../cli/project/monorepo.ts";
import { imageRepository } from "../../core/names.ts";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { commitReleases, readRecords, type Records } from "../../git/records.ts";

/** The sandbox's environment, which is also its directory in the deploy repository. */
export const sandboxEnvironment = "sandbox";

/** What runs of each service, as the deploy repository says. */
export function releaseRecords(deploy: DeployBranch): Promise<Records> {
  return readBranch(deploy, (snapshot) => readRecords(snapshot, sandboxEnvironment));
}

/** Has Argo CD run an image that was built from a commit of the source repository. */
export async function releaseService(
  deploy: DeployBranch,
  { images, app }: Pick<Monorepo, "images" | "app">,
  { service, digest, commit }: { readonly service: string; readonly digest: string; readonly commit: string },
): Promise<void> {
  const repository = imageRepository(images, app.name, service);
  await commitReleases({
    ...deploy,
    directory: sandboxEnvironment,
    choose: () => [{ service, repository, digest, sourceCommit: commit }],
    describe: () => ({
      subject: `release(${sandboxEnvironment}): ${service}, built by \`npm run up\``,
      trailers: [`Source-Commit: ${commit}`],
    }),
  });
}
