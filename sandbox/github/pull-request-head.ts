import type { BareGit } from "./bare-git.ts";

/**
 * Brings a pull request's commits into the repository that it is for, at `refs/pull/<number>/head`, where whoever reads
 * that repository finds them, also those of a fork.
 * @returns the newest commit; `undefined`: the branch is not there
 */
export async function keepHead(
  target: BareGit,
  source: BareGit,
  number: number,
  branch: string,
): Promise<string | undefined> {
  const sha = await source.branch(branch);
  if (sha === undefined) return undefined;
  const ref = `refs/pull/${number}/head`;
  if (source.path === target.path) await target.run(["update-ref", ref, sha]);
  else await target.run(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", source.path, `+${sha}:${ref}`]);
  return sha;
}
