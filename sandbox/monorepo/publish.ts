import { existsSync } from "node:fs";
import { join } from "node:path";
import { sourceGit, type SourceAccess } from "../stand-ins/source-repository.ts";

/** The head of a repository's branch main. */
export interface Published {
  readonly commit: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

/**
 * Commits all files of a directory on top of the branch main of a repository, and pushes. Does nothing where
 * they are those of its last commit here.
 */
export async function publish(directory: string, access: SourceAccess, message: string): Promise<Published> {
  const git = sourceGit(access, "delivery");
  const here = (args: readonly string[]): Promise<string> => git(["-C", directory, ...args]);
  if (!existsSync(join(directory, ".git"))) await git(["init", "--quiet", "--initial-branch=main", directory]);
  // Also what the monorepo's own .gitignore names: its commit has it all the same.
  await here(["add", "--all", "--force"]);
  const differs = async (): Promise<boolean> => (await here(["diff", "--cached", "--name-only", "HEAD"])) !== "";
  const own = await here(["rev-parse", "--verify", "--quiet", "HEAD"]).catch(() => "");
  // What others have pushed since stays, as long as there is nothing new here.
  if (own !== "" && !(await differs())) return { commit: own, isNew: false };
  const [head = ""] = (await here(["ls-remote", "--heads", access.url, "main"])).split("\t");
  if (head !== "") {
    await here(["fetch", "--quiet", access.url, "main"]);
    await here(["update-ref", "refs/heads/main", head]);
  }
  const isNew = head === "" || (await differs());
  if (isNew) await here(["commit", "--quiet", "--message", message]);
  // Again, if it did not arrive the last time.
  await here(["push", "--quiet", access.url, "HEAD:refs/heads/main"]);
  return { commit: await here(["rev-parse", "HEAD"]), isNew };
}
