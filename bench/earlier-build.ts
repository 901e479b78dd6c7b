import { cpSync, existsSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { outputOf, runProcess } from "../core/process.ts";

/** A commit of this repository, checked out beside it with the same packages, until it is disposed of. */
export interface EarlierBuild extends AsyncDisposable {
  readonly directory: string;
}

/** @returns `undefined` where the clone does not reach back so far */
export async function openEarlierBuild(commit: string): Promise<EarlierBuild | undefined> {
  if ((await runProcess("git", ["cat-file", "-e", `${commit}^{commit}`])).code !== 0) return undefined;
  const temporary = temporaryDirectory("delivery-bench-earlier-");
  const directory = join(temporary.path, "program");
  await outputOf("git", ["worktree", "add", "--detach", directory, commit]);
  symlinkSync(resolve("node_modules"), join(directory, "node_modules"));
  // What npm compiles when it installs the SDK, and no commit has.
  const compiled = "sdks/circleci/bin";
  if (existsSync(compiled)) cpSync(compiled, join(directory, compiled), { recursive: true });
  return {
    directory,
    [Symbol.asyncDispose]: async () => {
      await runProcess("git", ["worktree", "remove", "--force", directory]);
      temporary[Symbol.dispose]();
    },
  };
}
