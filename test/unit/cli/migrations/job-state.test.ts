import { describe, expect, test } from "vitest";
import { jobState } from "../../../../cli/migrations/job-state.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";

const conditions = (type: string): JsonMap => ({
  status: { conditions: [{ type, status: "True", message: "by the Job" }] },
});
const container = (state: JsonMap): JsonMap => ({ status: { containerStatuses: [{ name: "link", state }] } });

describe("a Job", () => {
  test.each<[what: string, job: JsonMap, pods: JsonMap[], state: string, message: string | undefined]>([
    ["that is complete has succeeded", conditions("Complete"), [], "succeeded", undefined],
    ["without a pod runs", {}, [], "running", "it has no pod yet"],
    ["with a pod runs", {}, [container({ running: {} })], "running", "it runs"],
    ["whose pod begins runs", {}, [container({ waiting: { reason: "ContainerCreating" } })], "running", "it runs"],
    [
      "whose image cannot be pulled says so",
      {},
      [container({ waiting: { reason: "ImagePullBackOff", message: "not found" } })],
      "running",
      "ImagePullBackOff: not found",
    ],
    [
      "whose pod no node takes says so",
      {},
      [{ status: { conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes" }] } }],
      "running",
      "no node takes its pod: 0/1 nodes",
    ],
    [
      "that has failed says how its program ended",
      conditions("Failed"),
      [container({ terminated: { exitCode: 3, reason: "Error" } })],
      "failed",
      "exit status 3",
    ],
    [
      "that used too much memory says so",
      conditions("Failed"),
      [container({ terminated: { exitCode: 137, reason: "OOMKilled" } })],
      "failed",
      "OOMKilled, exit status 137",
    ],
    [
      "that took too long says so",
      conditions("Failed"),
      [{ spec: { activeDeadlineSeconds: 9 }, status: { reason: "DeadlineExceeded" } }],
      "failed",
      "it was stopped after 9 s, its activeDeadlineSeconds",
    ],
    ["that has failed without a pod says what the Job says", conditions("Failed"), [], "failed", "by the Job"],
  ])("%s", (_what, job, pods, state, message) =>
    expect(jobState(job, pods)).toEqual(message === undefined ? { state } : { state, message }),
  );
});
