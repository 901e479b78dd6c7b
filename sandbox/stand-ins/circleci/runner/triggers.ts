import { Cron } from "croner";
import { cronMatches } from "../../../providers/circleci/cron.ts";
import type { PipelineDefinition, State, Trigger } from "../state.ts";
import type { PipelineEngine } from "./engine.ts";
import { isFromFork, startsPipeline, type GitHubEvent, type PullRequestEvent, type PushEvent } from "./github-event.ts";
import type { Pipeline, PipelineSource, PipelineStart, PipelineTrigger } from "./records.ts";

/**
 * One start for each trigger that an event of GitHub means.
 *
 * Here this stand-in does more than CircleCI: a pull request of a fork starts a pipeline where the project builds forks,
 * with whichever of CircleCI's GitHub integrations. CircleCI itself does so with its OAuth app; with its GitHub App, whose
 * triggers these are, it builds no forks at all. One event of a fork starts a pipeline once, however many of its triggers
 * mean it: with the OAuth app there are no triggers.
 * Source: https://circleci.com/docs/oss/, https://circleci.com/docs/github-trigger-event-options/
 */
export function startsOfEvent(state: State, event: GitHubEvent | undefined): PipelineStart[] {
  if (event === undefined) return [];
  const fromFork = event.name === "pull_request" && isFromFork(event);
  return state.triggers
    .filter((trigger) => !trigger.disabled && trigger.eventSource.repo?.external_id === event.repository.id)
    .filter((trigger) => startsPipeline(trigger.eventPreset, event))
    .filter(
      ({ pipelineDefinitionId: id }, index, all) =>
        !fromFork || all.findIndex((other) => other.pipelineDefinitionId === id) === index,
    )
    .flatMap((trigger) => {
      const definition = state.pipelineDefinitions.find(({ id }) => id === trigger.pipelineDefinitionId);
      const project = state.projects.find(({ id }) => id === trigger.projectId);
      if (definition === undefined || project === undefined) return [];
      if (fromFork && !project.settings.build_fork_prs) return [];
      return [
        {
          projectId: project.id,
          trigger: triggerOf(trigger, definition.configSource.file_path, event),
          source: event.name === "push" ? sourceOfPush(event) : sourceOfPullRequest(event, trigger),
          parameters: trigger.parameters ?? {},
        },
      ];
    });
}

function triggerOf(trigger: Trigger, configPath: string, event: GitHubEvent): PipelineTrigger {
  return {
    type: "webhook",
    provider: trigger.eventSource.provider,
    triggerId: trigger.id,
    definitionId: trigger.pipelineDefinitionId,
    configPath,
    receivedAt: new Date().toISOString(),
    event: event.name,
    action: event.name === "push" ? "push" : event.action,
    values: event.name === "push" ? pushValues(event) : pullRequestValues(event),
  };
}

function sourceOfPush(event: PushEvent): PipelineSource {
  const [, kind, name = ""] = /^refs\/(heads|tags)\/(.+)$/.exec(event.ref) ?? [];
  return { ...repositoryOf(event), ...(kind === "tags" ? { tag: name } : { branch: name }), revision: event.after };
}

function sourceOfPullRequest(event: PullRequestEvent, trigger: Trigger): PipelineSource {
  const { head, base, html_url: url } = event.pull_request;
  const link = url === undefined ? {} : { pullRequestUrl: url };
  if (trigger.eventPreset === "only-merged-or-closed-prs")
    return { ...repositoryOf(event), ...link, branch: base.ref, revision: "" };
  if (!isFromFork(event) || head.repo === null)
    return { ...repositoryOf(event), ...link, branch: head.ref, revision: head.sha };
  return {
    ...repositoryOf(event),
    ...link,
    branch: `pull/${event.number}`,
    revision: head.sha,
    fork: { fullName: head.repo.full_name, cloneUrl: head.repo.clone_url, ref: head.ref },
  };
}

function repositoryOf({ repository }: GitHubEvent): Omit<PipelineSource, "revision"> {
  const { id, full_name: fullName, clone_url: cloneUrl, default_branch: defaultBranch } = repository;
  return { repositoryId: id, fullName, cloneUrl, defaultBranch };
}

function pushValues(event: PushEvent): PipelineTrigger["values"] {
  return { "event.github.after": event.after, "event.github.ref": event.ref };
}

function pullRequestValues({ number, label, pull_request: pull }: PullRequestEvent): PipelineTrigger["values"] {
  const { base, head, draft, title, merged, html_url: url = null } = pull;
  return Object.fromEntries([
    ...Object.entries({
      "base.ref": base.ref,
      "base.sha": base.sha,
      "head.ref": head.ref,
      "head.sha": head.sha,
      draft,
      title,
      number,
      merged,
      url,
    }).map(([name, value]) => [`event.github.pull_request.${name}`, value] as const),
    ["event.github.label.name", label?.name ?? null],
  ]);
}

/** Starts the pipelines of schedule triggers when their minute comes. Minutes at which nothing ran here are not made up for. */
export function startSchedules(
  account: () => State,
  engine: Pick<PipelineEngine, "start" | "folder">,
  log: (line: string) => void,
): Disposable {
  const everyMinute = new Cron("* * * * *", () => {
    for (const start of scheduledStarts(account(), engine.folder.all(), new Date(), log)) engine.start(start);
  });
  return { [Symbol.dispose]: () => everyMinute.stop() };
}

/** What the schedules start at a moment. */
export function scheduledStarts(
  account: State,
  pipelines: readonly Pipeline[],
  moment: Date,
  log: (line: string) => void,
): PipelineStart[] {
  return account.triggers
    .filter(({ disabled, eventSource: { schedule } }) => !disabled && schedule !== undefined)
    .filter(({ eventSource }) => cronMatches(eventSource.schedule?.cron_expression ?? "", moment))
    .flatMap((trigger) => {
      const start = startOfSchedule(account, pipelines, trigger, moment);
      if (start === undefined)
        log(`schedule ${trigger.eventName ?? trigger.id}: nothing was ever pushed to its repository`);
      return start === undefined ? [] : [start];
    });
}

function startOfSchedule(
  account: State,
  pipelines: readonly Pipeline[],
  trigger: Trigger,
  moment: Date,
): PipelineStart | undefined {
  const definition = account.pipelineDefinitions.find(({ id }) => id === trigger.pipelineDefinitionId);
  const known = definition && knownRepository(definition, pipelines);
  if (definition === undefined || known === undefined) return undefined;
  const branch = trigger.checkoutRef?.replace(/^refs\/heads\//, "") ?? known.defaultBranch;
  return {
    projectId: trigger.projectId,
    trigger: {
      type: "schedule",
      provider: "schedule",
      triggerId: trigger.id,
      definitionId: definition.id,
      configPath: definition.configSource.file_path,
      receivedAt: moment.toISOString(),
      event: "schedule",
      action: "schedule",
      values: { "schedule.id": trigger.id, "schedule.name": trigger.eventName ?? null },
    },
    source: { ...known, branch, revision: "" },
    parameters: trigger.parameters ?? {},
  };
}

/** What is known of a definition's repository: its events say where it can be cloned from. */
export function knownRepository(
  { checkoutSource }: PipelineDefinition,
  pipelines: readonly Pipeline[],
): Omit<PipelineSource, "revision"> | undefined {
  const found = pipelines.findLast(({ source }) => source.repositoryId === checkoutSource.repo.external_id)?.source;
  if (found === undefined) return undefined;
  const { repositoryId, fullName, cloneUrl, defaultBranch } = found;
  return { repositoryId, fullName, cloneUrl, defaultBranch };
}
