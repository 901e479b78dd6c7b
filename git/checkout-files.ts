import { spawnSync } from "node:child_process";
import { withoutGitVariables } from "./user-settings.ts";

/**
 * What Git has in a directory of a checkout, by its ignore rules: those of the repository alone, so that every machine finds
 * the same.
 */
export interface CheckoutFiles {
  /** Whether Git ignores it, by itself or with a folder that it is in. What is committed all the same is not ignored. */
  readonly ignores: (path: string) => boolean;
}

/** @returns `undefined` where the directory is in no checkout, or there is no Git to ask */
export function checkoutFiles(directory: string): CheckoutFiles | undefined {
  // Whole folders are one entry each.
  const ignored = list(directory, ["--others", "--ignored", "--exclude-standard", "--directory"]);
  if (ignored === undefined) return undefined;
  const folders = new Set(ignored.map((path) => path.replace(/\/$/, "")));
  return {
    ignores: (path) => path.split("/").some((_, index, parts) => folders.has(parts.slice(0, index + 1).join("/"))),
  };
}

/**
 * The files of a directory, committed or not, but not ignored; relative to it.
 * @returns none where the directory is in no checkout, or there is no Git to ask
 */
export function keptFiles(directory: string): readonly string[] {
  return list(directory, ["--cached", "--others", "--exclude-standard"]) ?? [];
}

/** Discovery of services has nothing to wait for: it is one answer after the other, so the processes are, too. */
function list(directory: string, args: readonly string[]): string[] | undefined {
  const options = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.excludesFile=/dev/null"];
  const { status, stdout } = spawnSync("git", ["-C", directory, ...options, "ls-files", "-z", ...args], {
    env: { ...withoutGitVariables(process.env), GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", LC_ALL: "C" },
    stdio: ["ignore", "pipe", "ignore"],
    encoding: "utf8",
    maxBuffer: 2 ** 30,
    timeout: 60_000,
  });
  return status === 0 ? stdout.split("\0").filter((path) => path !== "") : undefined;
}
