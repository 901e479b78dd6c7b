import { expect, test } from "vitest";
import { described, secondsOf, stagesOf, withEvent, type SeenJobs } from "../../../../bench/loop/stages.ts";
import type { PipelineEvent } from "../../../../sandbox/commands/demo/pipeline-events.ts";

type Engine = PipelineEvent["engine"];

/** What the engine says of a job, which tells times of its own. */
function event(engine: Engine, kind: "started" | "ended", name: string, times: readonly number[] = []): PipelineEvent {
  const [startedAt, stoppedAt] = times;
  return { kind, engine, job: { id: name, name, type: "build", status: kind, number: 1, startedAt, stoppedAt } };
}

function seen(events: readonly (readonly [now: number, event: PipelineEvent])[]): SeenJobs {
  return events.reduce<SeenJobs>((jobs, [now, one]) => withEvent(jobs, one, now), new Map());
}

test("each stage of a commit by CircleCI ends where the next begins, by the times that it tells", () => {
  const jobs = seen([
    [0, { kind: "pipeline", engine: "CircleCI", name: "pipeline #1" }],
    [1_900, event("CircleCI", "started", "plan", [1_500])],
    [3_000, event("CircleCI", "ended", "plan", [1_500, 2_500])],
    [3_900, event("CircleCI", "ended", "test-link", [3_100, 5_000])],
    [3_900, event("CircleCI", "ended", "build-link", [3_000, 6_000])],
    [8_900, event("CircleCI", "ended", "release-sandbox", [6_100, 8_000])],
  ]);
  const stages = stagesOf(1_000, jobs, { synced: 9_000, running: 12_000 });
  expect(stages).toEqual({
    "until plan starts": 0.5,
    plan: 1.5,
    "tests and builds": 3,
    release: 2,
    "Argo CD": 1,
    pods: 3,
  });
  expect(secondsOf(stages)).toBe(11);
});

test("of jobs of Tekton, which tells whole seconds, it counts when they were seen; what finds out the changes ends last", () => {
  const jobs = seen([
    [1_400, event("Tekton", "started", "delivery", [1_000])],
    [4_300, event("Tekton", "started", "test-link", [4_000])],
    [4_500, event("Tekton", "started", "build-link", [4_000])],
    [7_200, event("Tekton", "ended", "build-link", [4_000, 7_000])],
    [8_100, event("Tekton", "ended", "test-link", [4_000, 8_000])],
    // So short that nobody saw it begin.
    [9_600, event("Tekton", "ended", "release-sandbox", [8_000, 9_000])],
    [15_000, event("Tekton", "ended", "delivery", [1_000, 15_000])],
  ]);
  expect(jobs.get("delivery")).toEqual({ startedAt: 1_400, stoppedAt: 15_000 });
  expect(jobs.get("release-sandbox")).toEqual({ startedAt: 8_000, stoppedAt: 9_600 });
  const stages = stagesOf(1_000, jobs, { synced: 10_000, running: 13_000 });
  const rounded = Object.entries(stages).map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`);
  expect(rounded).toEqual([
    "until plan starts 0.4",
    "plan 2.9",
    "tests and builds 3.8",
    "release 1.5",
    "Argo CD 0.4",
    "pods 3.0",
  ]);
});

test("a stage that never came to its end is no number, so that nobody takes it for a fast one", () => {
  const jobs = seen([[1_400, event("Tekton", "started", "delivery")]]);
  expect(stagesOf(1_000, jobs, {})["pods"]).toBeNaN();
});

test("of several commits, each stage is said by its median", () => {
  expect(described([{ plan: 3 }, { plan: 1 }, { plan: 2 }])).toBe("plan 2.00 s");
});
