import type { Git } from "./git-command.ts";
import { DeployRepositoryError } from "./git-failure.ts";
import { recordPath } from "./release-record.ts";

/** The commit before the last one that changed what any of these services runs; `undefined`: none did, or nothing was before it. */
export async function beforeLastRelease(
  git: Git,
  tip: string,
  directory: string,
  services: readonly string[],
): Promise<string | undefined> {
  const paths = services.map((service) => recordPath(directory, service));
  // A record may also change without its image: another commit has turned out to make the same one.
  const image = ["--diff-merges=first-parent", "--no-patch", "-G", "(digest|name): "];
  const last = (await git(["log", "-1", "--format=%H", "--first-parent", ...image, tip, "--", ...paths]))
    .toString()
    .trim();
  if (last === "") return undefined;
  const parents = (await git(["rev-list", "--parents", "-1", last])).toString().trim().split(" ").slice(1);
  return parents[0];
}

/** @throws DeployRepositoryError if the branch has no such commit */
export async function resolveCommit(git: Git, tip: string, revision: string): Promise<string> {
  const resolved = await git(["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]).then(
    (output) => output.toString().trim(),
    () => undefined,
  );
  const known =
    resolved !== undefined &&
    (await git(["merge-base", "--is-ancestor", resolved, tip]).then(
      () => true,
      () => false,
    ));
  if (!known)
    throw new DeployRepositoryError(
      `${JSON.stringify(revision)} is no commit of the branch; nothing was changed. \`git log\` in the deploy repository shows them`,
    );
  return resolved;
}
