import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { gitCredentialSettings, tokenVariable, usernameVariable } from "../git/git-credentials.ts";
import { gitEnvironment } from "./git-server/repositories.ts";

/** The source repository, and who works on it. */
export interface SourceAccess {
  readonly url: string;
  /** Who pushes. */
  readonly user: string;
  readonly token: string;
}

const run = promisify(execFile);

/**
 * Git as somebody with access to the source repository runs it.
 * The token is in the environment alone: arguments are visible to every user of the machine.
 * @param author the name and the first part of the address in commits
 */
export function sourceGit(
  { url, user, token }: SourceAccess,
  author: string,
): (args: readonly string[]) => Promise<string> {
  const login = { [usernameVariable]: user, [tokenVariable]: token };
  const settings = gitCredentialSettings(url, login);
  const address = `${author}@localhost`;
  const environment = {
    PATH: process.env["PATH"],
    ...gitEnvironment,
    ...login,
    GIT_AUTHOR_NAME: author,
    GIT_AUTHOR_EMAIL: address,
    GIT_COMMITTER_NAME: author,
    GIT_COMMITTER_EMAIL: address,
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
  return async (args) => (await run("git", args, { env: environment })).stdout.trim();
}
