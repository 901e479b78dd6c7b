import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../core/atomic-file.ts";
import { outputOf } from "../core/process.ts";

/** One setting of Git: its key, and its value. */
export type GitSetting = readonly [key: string, value: string];

/**
 * What comes in from the user's own configuration of Git: how a server is reached and who logs in there. All else stays
 * outside, for it changes what Git prints (`log.showSignature`), where it goes (`url.….insteadOf`, which CircleCI's checkout
 * leaves behind) or what it does (hooks, templates, signatures). Keys as Git lists them, in lower case but for the middle.
 */
const accessKeys: readonly RegExp[] = [
  /^core\.(sshcommand|askpass)$/,
  /^ssh\.variant$/,
  /^credential\./,
  /^safe\.directory$/,
  /^http\.(.+\.)?(proxy|proxyauthmethod|proxyssl\w+|ssl\w+|schannel\w+|pinnedpubkey|emptyauth|delegation|cookiefile|version)$/,
];

/** A login in a header. Beside a token of ours the server would get two, and refuse both. */
const headerKey = /^http\.(.+\.)?extraheader$/;

/**
 * @param ownToken whether we log in by a token of our own
 * @throws Error if Git cannot be started, or cannot read its configuration
 */
export async function accessSettings(
  environment: Readonly<Record<string, string | undefined>>,
  ownToken: boolean,
): Promise<GitSetting[]> {
  return settingsIn(await listedSettings(environment)).filter(
    ([key]) => accessKeys.some((pattern) => pattern.test(key)) || (!ownToken && headerKey.test(key)),
  );
}

/** Not kept: a command that goes on for long sees what somebody has changed. */
function listedSettings(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  return outputOf("git", ["config", "--list", "--null", "--includes"], {
    // The settings of no repository, wherever this process is.
    env: { ...environment, GIT_DIR: "/nonexistent" },
    cwd: "/",
  });
}

/** Each is a line with the key and the value after it; a key alone is a switch that is on. */
function settingsIn(listed: string): GitSetting[] {
  return listed
    .split("\0")
    .filter((text) => text !== "")
    .map((text) => {
      const end = text.indexOf("\n");
      return end < 0 ? [text, "true"] : [text.slice(0, end), text.slice(end + 1)];
    });
}

/**
 * The environment without what ties Git to a repository (a hook's environment does), or changes what it reads, prints and
 * does. Of Git's own variables only those stay that say how a server is reached and who logs in there.
 */
export function withoutGitVariables(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^GIT_/i.test(name) || accessVariables.test(name)),
  );
}

const accessVariables =
  /^GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_\w+|PROXY_SSL_\w+|HTTP_PROXY_AUTHMETHOD|HTTP_USER_AGENT|ALLOW_PROTOCOL|EXEC_PATH|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/;

/**
 * What stands in for the user's and the machine's configuration: nothing, but for the directories of other users that may be
 * read. Git takes these from a file only, before version 2.38 and in the process that serves a `file://` repository.
 */
export function ownConfiguration(access: readonly GitSetting[]): Record<string, string> {
  const safe = access.flatMap(([key, value]) => (key === "safe.directory" ? [value] : []));
  return {
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_CONFIG_GLOBAL: safe.length === 0 ? "/dev/null" : fileOf(safe),
    GIT_ATTR_NOSYSTEM: "1",
  };
}

const files = new Map<string, string>();

/** Written once in a process, which removes it at its end. */
function fileOf(safe: readonly string[]): string {
  const text = `[safe]\n${safe.map((directory) => `\tdirectory = ${quoted(directory)}\n`).join("")}`;
  const known = files.get(text);
  if (known !== undefined) return known;
  const { path } = temporaryDirectory("delivery-git-configuration-");
  const file = join(path, "config");
  writeFileSync(file, text);
  files.set(text, file);
  return file;
}

function quoted(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
