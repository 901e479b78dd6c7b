import { expect, test } from "vitest";
import { stepSeconds } from "../../../../bench/loop/build-seconds.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";

const step = (name: string, terminated?: Record<string, string>) => ({
  name,
  ...(terminated === undefined ? {} : { terminated }),
});
const run = (...steps: ReturnType<typeof step>[]): KubernetesObject => ({
  apiVersion: "tekton.dev/v1",
  kind: "TaskRun",
  status: { steps },
});
const seconds = (from: number, to: number) => ({
  startedAt: `2026-08-01T10:00:${from}Z`,
  finishedAt: `2026-08-01T10:00:${to}Z`,
});

test("a step of Tekton's is found by its title, and took what its own times say", () => {
  const built = run(step("1-checkout", seconds(10, 12)), step("3-build-and-push", seconds(15, 21)));
  expect(stepSeconds(built, "build-and-push")).toBe(6);
});

test("a step that has not ended, or is not there, has no duration", () => {
  expect(stepSeconds(run(step("3-build-and-push")), "build-and-push")).toBeUndefined();
  expect(stepSeconds(run(step("1-checkout", seconds(10, 12))), "build-and-push")).toBeUndefined();
});
