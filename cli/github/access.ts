import type { StackSettings } from "../../stacks/schema.ts";
import { CommandError, type CommandContext } from "../command.ts";
import type { StackFile } from "../project/stack-file.ts";
import { githubTokenVariable } from "./connection.ts";
import { openGitHub, type GitHub, type GitHubOptions } from "./github.ts";

type GitHubSettings = NonNullable<StackSettings["github"]>;

export const githubHelp = `The token for GitHub's API is ${githubTokenVariable} in the environment; without it, only public
repositories can be read.`;

/**
 * GitHub as the stack file of an environment says.
 * @param repository as owner/name. @default github.repository, the monorepo
 */
export function githubOf(
  settings: GitHubSettings,
  context: Pick<CommandContext, "environment" | "signal">,
  repository?: string,
): GitHub {
  return openGitHub(githubOptions(settings, context, repository));
}

/** How a repository on GitHub is asked, as the stack file of an environment says. @param repository as for `githubOf` */
export function githubOptions(
  settings: Pick<GitHubSettings, "api" | "repository">,
  { environment, signal }: Pick<CommandContext, "environment" | "signal">,
  repository?: string,
): GitHubOptions {
  const token = environment[githubTokenVariable];
  return {
    api: settings.api,
    repository: repository ?? settings.repository,
    ...(token === undefined || token === "" ? {} : { token }),
    signal,
  };
}

/** @throws CommandError if the stack file does not say where the monorepo is */
export function githubSettings(file: StackFile): GitHubSettings {
  const settings = file.find("github");
  if (settings?.github !== undefined) return settings.github;
  throw new CommandError(`${file.path}: github.repository is missing; set it to the monorepo on GitHub, as owner/name`);
}
