import { gitIn } from "../../git/git-command.ts";
import type { Push } from "./pushes.ts";
import { repositoryPath } from "./repositories.ts";

/** What a push has changed, by path; none where a branch or tag is new or gone, or one of its commits is. */
export async function changedPaths(root: string, { repository, updates }: Push): Promise<string[]> {
  const git = gitIn(repositoryPath(root, repository), { repository });
  const lists = await Promise.all(
    updates.map(async ({ before, after }) => {
      if (before === undefined || after === undefined) return undefined;
      const output = await git(["diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after]).catch(() => "");
      return output
        .toString()
        .split("\0")
        .filter((path) => path !== "");
    }),
  );
  return lists.every((list) => list !== undefined && list.length > 0) ? lists.flatMap((list) => list ?? []) : [];
}
