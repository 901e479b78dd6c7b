import { z } from "zod";
import { stackSchema } from "../../stacks/schema.ts";
import { CommandError, type CommandContext } from "../command.ts";
import { readStackSettings } from "../project/stack-file.ts";
import { githubTokenVariable } from "./connection.ts";
import { openGitHub, type GitHub } from "./github.ts";

const githubSchema = stackSchema.pick({ github: true });
type GitHubSettings = NonNullable<z.infer<typeof githubSchema>["github"]>;

export const githubHelp = `The token for GitHub's API is ${githubTokenVariable} in the environment; without it, only public
repositories can be read.`;

/**
 * GitHub as the stack file of an environment says.
 * @param repository as owner/name. @default github.repository, the monorepo
 * @throws CommandError if the stack file does not say where the monorepo is
 */
export function githubOf(
  environmentName: string,
  { environment, signal }: Pick<CommandContext, "environment" | "signal">,
  repository?: string,
): GitHub {
  const settings = githubSettings(environmentName);
  const token = environment[githubTokenVariable];
  return openGitHub({
    api: settings.api,
    repository: repository ?? settings.repository,
    ...(token === undefined || token === "" ? {} : { token }),
    signal,
  });
}

/** @throws CommandError if the stack file does not say where the monorepo is */
export function githubSettings(environmentName: string): GitHubSettings {
  const settings = readStackSettings(environmentName, githubSchema);
  if (settings?.github !== undefined) return settings.github;
  throw new CommandError(
    `stacks/Pulumi.${environmentName}.yaml: github.repository is missing; set it to the monorepo on GitHub, as owner/name`,
  );
}
