import type { PipelineEvent } from "../../sandbox/commands/demo/pipeline-events.ts";
import { median } from "../figure.ts";

/** Where the time goes, stage by stage: each ends where the next one begins. In seconds. */
export type Stages = Readonly<Record<string, number>>;

/** When a job began and ended, in milliseconds since 1970. */
interface JobTimes {
  readonly startedAt: number;
  readonly stoppedAt: number;
}

/** The jobs of a pipeline by their names. */
export type SeenJobs = ReadonlyMap<string, JobTimes>;

/**
 * The jobs with what an event says of one. Tekton tells whole seconds, so that its jobs begin and end when they are seen to.
 * @param now when the event came
 */
export function withEvent(jobs: SeenJobs, event: PipelineEvent, now: number): SeenJobs {
  if (event.kind === "pipeline") return jobs;
  const { engine, kind, job } = event;
  const { startedAt = Number.NaN, stoppedAt = Number.NaN } = job;
  const begun = jobs.get(job.name)?.startedAt;
  const times =
    engine === "CircleCI"
      ? { startedAt, stoppedAt }
      : // What ends so soon that nobody saw it begin has only the engine's word for that.
        {
          startedAt: begun ?? (kind === "started" ? now : startedAt),
          stoppedAt: kind === "ended" ? now : Number.NaN,
        };
  return new Map([...jobs, [job.name, times]]);
}

/**
 * The stages of a commit on its way to the cluster.
 * @param start when it was pushed
 * @param marks when the Deployment had the new image, and when only its pods were left
 */
export function stagesOf(start: number, jobs: SeenJobs, marks: Readonly<Record<string, number>>): Stages {
  const named = (pattern: RegExp): JobTimes[] => [...jobs].flatMap(([name, job]) => (pattern.test(name) ? [job] : []));
  // At Tekton, what finds out what has changed waits for the rest, and ends last.
  const first = named(/^(plan|delivery)$/);
  const work = named(/^(test|build)-/);
  return spans(start, {
    "until plan starts": Math.min(...first.map(({ startedAt }) => startedAt)),
    plan: Math.min(...work.map(({ startedAt }) => startedAt)),
    "tests and builds": Math.max(...work.map(({ stoppedAt }) => stoppedAt)),
    release: Math.max(...named(/^release-/).map(({ stoppedAt }) => stoppedAt)),
    "Argo CD": marks["synced"] ?? Number.NaN,
    pods: marks["running"] ?? Number.NaN,
  });
}

/** @param ends what comes to its end when, in this order */
export function spans(start: number, ends: Readonly<Record<string, number>>): Stages {
  const times = Object.entries(ends);
  return Object.fromEntries(times.map(([name, end], index) => [name, (end - (times[index - 1]?.[1] ?? start)) / 1000]));
}

export function secondsOf(stages: Stages): number {
  return Object.values(stages).reduce((sum, seconds) => sum + seconds, 0);
}

/** Medians of each stage. */
export function described(all: readonly Stages[]): string {
  return Object.keys(all[0] ?? {})
    .map((stage) => `${stage} ${median(all.map((stages) => stages[stage] ?? 0)).toFixed(2)} s`)
    .join(", ");
}
