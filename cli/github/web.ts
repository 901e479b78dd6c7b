import { gitHubOrigin, gitHubPage } from "../../core/github-web.ts";
import type { StackSettings } from "../../stacks/schema.ts";

/** Where GitHub shows a commit or a pull request of the monorepo to people. */
export type WebLinks = (shown: { readonly commit: string } | { readonly pullRequest: number }) => string;

/** @returns `undefined`: the stack file names no repository on GitHub */
export function webLinks(settings: StackSettings["github"]): WebLinks | undefined {
  if (settings === undefined) return undefined;
  const root = gitHubPage(settings.api, settings.repository);
  return (shown) => ("commit" in shown ? `${root}/commit/${shown.commit}` : `${root}/pull/${shown.pullRequest}`);
}

/** Whether a Git URL leads to the GitHub that has its API there. */
export function isOnGitHub(url: string, api: string): boolean {
  const host = /^[a-z+]+:\/\//i.test(url) ? new URL(url).hostname : /^(?:[^@]*@)?([^:]+):/.exec(url)?.[1];
  return host === new URL(gitHubOrigin(api)).hostname;
}
