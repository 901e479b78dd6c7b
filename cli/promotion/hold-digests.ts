import { CommandError, type CommandContext } from "../command.ts";
import { changesOfServices } from "../changelog/service-changes.ts";
import { githubOf, githubOptions, githubSettings } from "../github/access.ts";
import { openGitHubChat } from "../github/chat.ts";
import type { PullRequest } from "../github/github.ts";
import { holdLabel, setHold } from "../github/hold.ts";
import { readMonorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";
import { promotedRange } from "./changelog.ts";
import { holdGate } from "./hold-gate.ts";
import type { Proposal } from "./proposal.ts";

/** A pull request on hold, and the services that it keeps back. */
export interface HeldPullRequest {
  readonly number: number;
  readonly url: string;
  readonly services: readonly string[];
}

interface HoldArgs {
  readonly project: Project;
  readonly proposal: Proposal;
  readonly context: CommandContext;
}

/**
 * Puts the newest pull request of each proposed service on hold: without it, the digest would be another one.
 * @throws CommandError where one came by no pull request, or would be promoted all the same
 */
export async function holdDigests(args: HoldArgs & { readonly reason: string }): Promise<readonly HeldPullRequest[]> {
  const { project, proposal, context, reason } = args;
  const { to, pending } = proposal;
  const file = project.stackFile(to.name);
  if (file.find("promotion")?.promotion?.holds !== true)
    throw new CommandError(
      `${file.path}: promotion.holds is not true, so that what is on hold would come to ${to.name} all the same; set it, or take the digests back`,
    );
  const held = await newestPullRequests(args);
  const chat = openGitHubChat(githubOptions(githubSettings(file), context));
  for (const [pullRequest] of held)
    await setHold(chat, pullRequest, { isHeld: true, by: reason, url: pullRequest.url });
  const outcome = await holdGate({ project, to: to.name, pending, seen: proposal.seen, context });
  const free = outcome.services?.filter(({ passed }) => passed).map(({ service }) => service);
  if (free?.length !== 0)
    throw new CommandError(
      `${[...held.keys()].map(({ number }) => `#${number}`).join(", ")} is labelled ${holdLabel}, which does not keep ${free?.join(", ") ?? "it"} from ${to.name}: ${outcome.detail}`,
    );
  return [...held].map(([{ number, url }, services]) => ({ number, url, services }));
}

/** The pull requests, each with the services that it is the newest of. */
async function newestPullRequests({
  project,
  proposal: { to, pending, seen },
  context,
}: HoldArgs): Promise<ReadonlyMap<PullRequest, readonly string[]>> {
  const ranges = pending.map((release) => promotedRange(release, seen, to.name));
  const changed = await changesOfServices(readMonorepo(project, to.name), ranges);
  const github = githubOf(githubSettings(project.stackFile(to.name)), context);
  const found = new Map<number, { readonly pullRequest: PullRequest; readonly services: readonly string[] }>();
  const without: string[] = [];
  for (const { service, changes, to: built } of changed) {
    // Of the first image of a service, only the commit that it was built from is known.
    const commits = changes.length > 0 ? changes.map(({ id }) => id) : built === null ? [] : [built];
    const pullRequest = await newestOf(commits, (commit) => github.pullRequestsOf(commit));
    if (pullRequest === undefined) without.push(service);
    else {
      const services = [...(found.get(pullRequest.number)?.services ?? []), service];
      found.set(pullRequest.number, { pullRequest, services });
    }
  }
  if (without.length > 0)
    throw new CommandError(
      `${without.join(", ")}: came by no merged pull request, which could be put on hold; nothing was changed. Take it back, or decide about the others with --service`,
    );
  return new Map([...found.values()].map(({ pullRequest, services }) => [pullRequest, services]));
}

/** @param commits newest first */
async function newestOf(
  commits: readonly string[],
  pullRequestsOf: (commit: string) => Promise<readonly PullRequest[]>,
): Promise<PullRequest | undefined> {
  for (const commit of commits) {
    const merged = (await pullRequestsOf(commit)).find((one) => one.merged);
    if (merged !== undefined) return merged;
  }
  return undefined;
}

/** What ends some holds, once it is certain that they are to end. */
export interface EndedHolds {
  readonly numbers: readonly number[];
  readonly end: () => Promise<void>;
}

interface EndHoldsArgs {
  readonly project: Project;
  readonly environment: string;
  readonly numbers: readonly number[];
  readonly by: string;
  readonly context: CommandContext;
}

/**
 * Pull requests that a person takes off hold; they stay there until `end` is called.
 * @throws CommandError for one that is not on hold: it may be misspelt
 */
export async function endHolds({ project, environment, numbers, by, context }: EndHoldsArgs): Promise<EndedHolds> {
  if (numbers.length === 0) return { numbers, end: async () => {} };
  const settings = githubSettings(project.stackFile(environment));
  const github = githubOf(settings, context);
  const pullRequests = await Promise.all(numbers.map((number) => github.pullRequest(number)));
  const free = pullRequests.filter(({ labels }) => !labels.includes(holdLabel)).map(({ number }) => `#${number}`);
  if (free.length > 0)
    throw new CommandError(`${free.join(", ")} is not on hold (label ${holdLabel}); nothing was changed`);
  return {
    numbers,
    end: async () => {
      const chat = openGitHubChat(githubOptions(settings, context));
      for (const pullRequest of pullRequests)
        await setHold(chat, pullRequest, { isHeld: false, by, url: pullRequest.url });
    },
  };
}
