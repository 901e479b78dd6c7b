import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { NotReachableError } from "./reading.ts";

/** The newest commit of the monorepo, as this checkout has it. */
export interface SourceFacts {
  readonly commit: string;
  readonly branch: string;
}

const run = promisify(execFile);

/** @throws NotReachableError where there is no checkout */
export async function readSource(directory: string, signal: AbortSignal): Promise<SourceFacts> {
  if (!existsSync(directory)) throw new NotReachableError(`there is no ${directory} here`);
  const git = async (...args: string[]): Promise<string> =>
    (await run("git", ["-C", directory, ...args], { signal })).stdout.trim();
  try {
    // Only what the directory holds: the monorepo may be a part of a larger repository.
    const [commit, branch] = await Promise.all([
      git("log", "-1", "--format=%H", "--", "."),
      git("rev-parse", "--abbrev-ref", "HEAD"),
    ]);
    if (commit === "") throw new Error("no commit");
    return { commit, branch };
  } catch (error) {
    throw new NotReachableError(`${directory} is in no Git repository`, { cause: error });
  }
}
