import type { CommandContext } from "../command.ts";
import type { GitHubChat } from "../github/chat.ts";
import type { GitHub, PullRequest } from "../github/github.ts";
import type { GitHubRefs } from "../github/refs.ts";
import type { Project } from "../project/stack-file.ts";

/** A repository on GitHub whose pull requests are listened to. */
export interface ChatRepository {
  /** As owner/name. */
  readonly name: string;
  readonly github: GitHub;
  readonly chat: GitHubChat;
  readonly refs: GitHubRefs;
}

/** Where comments are answered: in the monorepo, and in deploy repositories with the pull requests of promotions. */
export interface ChatPlaces {
  readonly source: ChatRepository;
  /** By `gitops.repository`; those that are not on this GitHub are left out. */
  readonly deploys: ReadonlyMap<string, ChatRepository>;
}

/** One command of somebody who may write to the repository that the pull request is of. */
export interface ChatRequest {
  readonly project: Project;
  /** Those that are answered for: the first, and what promotes from it. */
  readonly environments: readonly string[];
  readonly context: CommandContext;
  readonly places: ChatPlaces;
  /** Where the comment is. */
  readonly repository: ChatRepository;
  /** As it is when the command is carried out. */
  readonly pullRequest: PullRequest;
  /** Who asks. */
  readonly login: string;
  /** The comment. */
  readonly url: string;
  /** The commit that the pull request had when the comment came; `undefined`: nobody listened, or could find out. */
  readonly heardAt: string | undefined;
  /** Options of `promote` and `rollback` that say what of the registry is asked. */
  readonly checks: readonly string[];
}

/** Carries a command out. @returns a sentence that says what was done @throws Refusal why it is not done */
export type ChatAction<Command> = (command: Command, request: ChatRequest) => Promise<string>;
