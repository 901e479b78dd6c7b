import { remoteOf } from "./delivered-branch.ts";
import { gitOfUser } from "./git-command.ts";
import type { SourceRepository } from "./source-repository.ts";

/**
 * Gets what was pushed after a checkout was made, with its history. Without access to the remote, it stays unknown.
 * @param directory in the checkout
 * @param commits their ids
 */
export async function fetchMissing(
  repository: Pick<SourceRepository, "resolve">,
  directory: string,
  commits: readonly string[],
): Promise<void> {
  const known = await repository.resolve(commits);
  const missing = [...new Set(commits)].filter((commit) => !known.has(commit));
  if (missing.length === 0) return;
  const remote = (await remoteOf(directory)) ?? "origin";
  await gitOfUser(directory)(["fetch", "--quiet", "--no-tags", remote, ...missing]).catch(() => undefined);
}
