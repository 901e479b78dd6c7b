import { remoteOf } from "./delivered-branch.ts";
import { gitOfUser } from "./git-command.ts";

/**
 * The tags of a checkout's remote as they are now, with the commits that they lead to: also those that are objects of their own.
 * @param pattern as `git ls-remote` takes it, e.g. `refs/tags/*\/v*`
 * @throws GitError where the remote does not answer
 */
export async function remoteTags(directory: string, pattern: string): Promise<ReadonlyMap<string, string>> {
  const remote = (await remoteOf(directory)) ?? "origin";
  const output = await gitOfUser(directory)(["ls-remote", "--tags", remote, pattern, `${pattern}^{}`]);
  // What a tag leads to comes after the tag itself.
  return new Map(
    output
      .toString()
      .split("\n")
      .flatMap((line) => {
        const [, commit, name] = /^([0-9a-f]{40,64})\trefs\/tags\/(.+?)(?:\^\{\})?$/.exec(line) ?? [];
        return commit === undefined || name === undefined ? [] : [[name, commit] as const];
      }),
  );
}
