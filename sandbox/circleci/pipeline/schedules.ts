import { cronMatches } from "../cron.ts";
import type { State, Trigger } from "../state.ts";
import { knownRepository } from "./api-start.ts";
import type { PipelineEngine } from "./engine.ts";
import type { PipelineStart } from "./hook.ts";
import type { Pipeline } from "./records.ts";

const minute = 60_000;

/** Starts the pipelines of schedule triggers when their minute comes. Minutes at which nothing ran here are not made up for. */
export function startSchedules(
  account: () => State,
  engine: Pick<PipelineEngine, "start" | "folder">,
  log: (line: string) => void,
): Disposable {
  const stop = new AbortController();
  const wait = (): void => {
    const timer = setTimeout(
      () => {
        for (const start of scheduledStarts(account(), engine.folder.all(), new Date(), log)) engine.start(start);
        wait();
      },
      minute - (Date.now() % minute),
    );
    stop.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  };
  wait();
  return { [Symbol.dispose]: () => stop.abort() };
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
      const start = startOf(account, pipelines, trigger, moment);
      if (start === undefined)
        log(`schedule ${trigger.eventName ?? trigger.id}: nothing was ever pushed to its repository`);
      return start === undefined ? [] : [start];
    });
}

function startOf(
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
