import { describe, expect, test } from "vitest";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { workloadStatus } from "../../../../cli/status/workload-status.ts";

const [image, other] = ["1", "2"].map((digit) => `docker.io/acme/shop-report@sha256:${digit.repeat(64)}`);
const pods = (runs = image): JsonMap => ({ spec: { containers: [{ name: "report", image: runs ?? "" }] } });

const job = (status: JsonMap, spec: JsonMap = {}): JsonMap => ({
  kind: "Job",
  metadata: { name: "report", creationTimestamp: "2026-01-01T09:00:00Z" },
  spec: { template: pods(), ...spec },
  status,
});
const ended = (type: "Complete" | "Failed", message = ""): JsonMap => ({
  conditions: [{ type, status: "True", message, lastTransitionTime: "2026-01-01T10:00:00Z" }],
});
const limit = "Job has reached the specified backoff limit";

/** A pod of a Job, whose container has ended. */
const ofJob = (name: string, exitCode: number, message: string, finishedAt = "2026-01-01T10:00:00Z"): JsonMap => ({
  metadata: { name: `${name}-x`, labels: { "batch.kubernetes.io/job-name": name } },
  status: { containerStatuses: [{ state: { terminated: { exitCode, message, finishedAt } } }] },
});

describe("a Job", () => {
  test.each<[what: string, status: JsonMap, spec: JsonMap, expected: object]>([
    ["runs", { active: 1 }, {}, { state: "progress", health: "Progressing", message: "it is running" }],
    [
      "runs again",
      { active: 1, failed: 2 },
      {},
      { state: "progress", message: "it is running again, after 2 failed attempts" },
    ],
    ["has succeeded", ended("Complete"), {}, { state: "ok", health: "Healthy", message: null }],
    ["has failed", ended("Failed", limit), {}, { state: "failed", health: "Degraded", message: limit }],
    ["is suspended", {}, { suspend: true }, { state: "unknown", health: "Suspended" }],
  ])("that %s", (_what, status, spec, expected) => {
    expect(workloadStatus(job(status, spec))).toMatchObject({ service: "report", image, ...expected });
  });

  test("that has failed says the end of the log of its last attempt", () => {
    const log = ["line 1", "line 2", "line 3", "line 4", "line 5", "no such table: links"].join("\n");
    const parts = [
      ofJob("report", 1, "an earlier attempt", "2026-01-01T09:00:00Z"),
      ofJob("report", 3, log),
      ofJob("other", 1, "of another"),
    ];
    const { message } = workloadStatus(job(ended("Failed", limit)), { pods: parts });
    expect(message).toBe(`${limit}; exit code 3: line 2\nline 3\nline 4\nline 5\nno such table: links`);
  });

  test("has moved when it ended", () => {
    expect(workloadStatus(job(ended("Complete"))).changedAt).toBe("2026-01-01T10:00:00Z");
    expect(workloadStatus(job({})).changedAt).toBe("2026-01-01T09:00:00Z");
  });
});

describe("a CronJob", () => {
  const cron = (spec: JsonMap = {}): JsonMap => ({
    kind: "CronJob",
    metadata: { name: "report", uid: "1" },
    spec: { jobTemplate: { spec: { template: pods() } }, ...spec },
  });
  const run = (name: string, startTime: string, status: JsonMap, runs = image, uid = "1"): JsonMap => ({
    kind: "Job",
    metadata: { name, ownerReferences: [{ uid }] },
    spec: { template: pods(runs) },
    status: { startTime, ...status },
  });
  const [nine, ten] = ["2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z"];

  test.each<[what: string, jobs: JsonMap[], health: string]>([
    ["has not run yet", [], "Healthy"],
    ["has run", [run("a", nine ?? "", ended("Complete"))], "Healthy"],
    ["has failed", [run("a", nine ?? "", ended("Failed", limit))], "Degraded"],
    [
      "has run since it failed",
      [run("a", nine ?? "", ended("Failed", limit)), run("b", ten ?? "", ended("Complete"))],
      "Healthy",
    ],
    [
      "runs, and has failed before",
      [run("a", nine ?? "", ended("Failed", limit)), run("b", ten ?? "", { active: 1 })],
      "Degraded",
    ],
    ["has failed with another image", [run("a", nine ?? "", ended("Failed", limit), other)], "Healthy"],
    ["is not that of a failed Job", [run("a", nine ?? "", ended("Failed", limit), image, "2")], "Healthy"],
  ])("that %s is judged by its last run", (_what, jobs, health) => {
    expect(workloadStatus(cron(), { jobs })).toMatchObject({ image, health });
  });

  test.each<[what: string, kept: number, lastSuccessfulTime: string | undefined, health: string]>([
    ["has succeeded since", 0, "2026-01-01T11:00:00Z", "Healthy"],
    ["has succeeded before", 0, "2026-01-01T09:00:00Z", "Degraded"],
    ["has never succeeded", 0, undefined, "Degraded"],
    // The success of another image, or else its Job would be there.
    ["keeps its successes, and has none", 3, "2026-01-01T11:00:00Z", "Degraded"],
  ])("that keeps its last failure and %s", (_what, kept, lastSuccessfulTime, health) => {
    const status: JsonMap = lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime };
    const jobs = [run("a", ten ?? "", ended("Failed", limit))];
    expect(workloadStatus({ ...cron({ successfulJobsHistoryLimit: kept }), status }, { jobs })).toMatchObject({
      health,
    });
  });

  test("that has failed says why, and one that is suspended that it does not run", () => {
    const jobs = [run("report-1", nine ?? "", ended("Failed", limit))];
    expect(workloadStatus(cron(), { jobs, pods: [ofJob("report-1", 3, "no such table")] }).message).toBe(
      `its last run has failed: ${limit}; exit code 3: no such table`,
    );
    expect(workloadStatus(cron({ suspend: true }))).toMatchObject({
      health: "Suspended",
      message: "is suspended, so it does not run",
    });
  });
});

test.each<[what: string, status: JsonMap, health: string, message: string | null]>([
  ["all pods are new", { updatedReplicas: 3, readyReplicas: 3 }, "Healthy", null],
  ["some are old", { updatedReplicas: 1, readyReplicas: 3 }, "Progressing", "1 of 3 new pods are ready"],
  ["some are not there", { updatedReplicas: 3, readyReplicas: 2 }, "Progressing", "2 of 3 new pods are ready"],
])("a StatefulSet of which %s", (_what, status, health, message) => {
  const set = {
    kind: "StatefulSet",
    metadata: { name: "report", generation: 2 },
    spec: { replicas: 3, template: pods() },
    status: { observedGeneration: 2, ...status },
  };
  expect(workloadStatus(set)).toMatchObject({ image, health, message });
  expect(workloadStatus({ ...set, status: { ...status, observedGeneration: 1 } }).health).toBe("Progressing");
});

describe("pods that the cluster has refused", () => {
  const message = `create Pod report failed error: pods "report" is forbidden: no release record names ${other}`;
  const refused = (kind: string, name: string, lastTimestamp = "2026-01-01T09:30:00Z"): JsonMap => ({
    reason: "FailedCreate",
    involvedObject: { kind, name },
    message,
    lastTimestamp,
  });
  const degraded = { state: "failed", health: "Degraded", message };
  const replicated = (status: JsonMap): JsonMap => ({
    kind: "StatefulSet",
    metadata: { name: "report", generation: 1, creationTimestamp: "2026-01-01T09:00:00Z" },
    spec: { replicas: 2, template: pods() },
    status: { observedGeneration: 1, ...status },
  });

  test("are the reason why a Job does not run", () => {
    expect(workloadStatus(job({}), { refusals: [refused("Job", "report")] })).toMatchObject(degraded);
    expect(workloadStatus(job({}), { refusals: [refused("Job", "other")] })).toMatchObject({ state: "progress" });
  });

  test("are the reason why a StatefulSet has too few", () => {
    const refusals = [refused("StatefulSet", "report")];
    expect(workloadStatus(replicated({ replicas: 1 }), { refusals })).toMatchObject(degraded);
    expect(workloadStatus(replicated({ replicas: 2 }), { refusals })).toMatchObject({ state: "progress" });
  });

  test("are the reason why a cron has not run", () => {
    const cron = {
      kind: "CronJob",
      metadata: { name: "report", uid: "1" },
      spec: { jobTemplate: { spec: { template: pods() } } },
    };
    const run = { ...job({}), metadata: { name: "report-1", ownerReferences: [{ uid: "1" }] } };
    expect(workloadStatus(cron, { jobs: [run], refusals: [refused("Job", "report-1")] })).toMatchObject(degraded);
  });

  test("are none once there is a pod, or where they are of what was declared before", () => {
    expect(workloadStatus(job({ active: 1 }), { refusals: [refused("Job", "report")] })).toMatchObject({
      state: "progress",
    });
    const earlier = [refused("Job", "report", "2026-01-01T08:00:00Z")];
    expect(workloadStatus(job({}), { refusals: earlier })).toMatchObject({ state: "progress" });
  });
});

describe("a Rollout", () => {
  const steps = [{ setWeight: 25 }, { pause: { duration: "60s" } }, { setWeight: 50 }];
  const rollout = (status: JsonMap): JsonMap => ({
    kind: "Rollout",
    metadata: { name: "report", creationTimestamp: "2026-01-01T09:00:00Z", generation: 3 },
    spec: { replicas: 4, strategy: { canary: { steps } }, template: pods() },
    status: { observedGeneration: "3", ...status },
  });
  test.each<[what: string, status: JsonMap, expected: object]>([
    ["is all new", { phase: "Healthy" }, { state: "ok", health: "Healthy", message: null }],
    [
      "pauses at a step",
      { phase: "Paused", currentStepIndex: 1, replicas: 4, updatedReplicas: 1 },
      { state: "progress", health: "Progressing", message: "at 25 %, pauses with 1 new and 3 old pods" },
    ],
    [
      "starts its pods",
      {
        phase: "Progressing",
        message: "more replicas need to be updated",
        currentStepIndex: 2,
        replicas: 4,
        updatedReplicas: 1,
      },
      { message: "at 50 %, more replicas need to be updated, with 1 new and 3 old pods" },
    ],
    [
      "has gone through its steps",
      {
        phase: "Progressing",
        message: "old replicas are pending termination",
        currentStepIndex: 3,
        replicas: 5,
        updatedReplicas: 4,
      },
      { message: "after the last step, old replicas are pending termination, with 4 new and 1 old pods" },
    ],
    [
      "was ended",
      { phase: "Degraded", message: "RolloutAborted: Rollout aborted update to revision 2" },
      { state: "failed", health: "Degraded", message: "RolloutAborted: Rollout aborted update to revision 2" },
    ],
    [
      "has not seen its change: what it says is of the one before",
      { phase: "Healthy", observedGeneration: "2" },
      { state: "progress", message: "the change has not been seen yet" },
    ],
  ])("that %s", (_what, status, expected) =>
    expect(workloadStatus(rollout(status))).toMatchObject({ service: "report", image, ...expected }),
  );
});

describe("a Rollout that moves all requests at once", () => {
  const rollout = (status: JsonMap, autoPromotionEnabled = true): JsonMap => ({
    kind: "Rollout",
    metadata: { name: "report", creationTimestamp: "2026-01-01T09:00:00Z", generation: 3 },
    spec: { replicas: 4, strategy: { blueGreen: { activeService: "report", autoPromotionEnabled } }, template: pods() },
    status: { observedGeneration: "3", currentPodHash: "new", replicas: 8, updatedReplicas: 4, ...status },
  });
  const [old, moved] = ["old", "new"].map((activeSelector) => ({ blueGreen: { activeSelector } }));
  const paused = { phase: "Paused", message: "BlueGreenPause", ...old };
  test.each<[what: string, workload: JsonMap, expected: object]>([
    ["pauses", rollout(paused), { state: "progress", message: "before the switch, pauses with 4 new and 4 old pods" }],
    [
      "waits for somebody",
      rollout(paused, false),
      { message: "before the switch, waits for `kubectl argo rollouts promote report`, with 4 new and 4 old pods" },
    ],
    [
      "measures before",
      rollout({ phase: "Progressing", message: "active service cutover pending", ...old }),
      { message: "before the switch, active service cutover pending, with 4 new and 4 old pods" },
    ],
    [
      "measures after",
      rollout({ phase: "Progressing", message: "waiting for analysis to complete", ...moved }),
      { message: "after the switch, waiting for analysis to complete, with 4 new and 4 old pods" },
    ],
    ["keeps old pods", rollout({ phase: "Healthy", ...moved }), { state: "ok", health: "Healthy", message: null }],
    [
      "was ended",
      rollout({ phase: "Degraded", message: "RolloutAborted: Rollout aborted update to revision 2", ...old }),
      { state: "failed", message: "RolloutAborted: Rollout aborted update to revision 2" },
    ],
  ])("and %s", (_what, workload, expected) => expect(workloadStatus(workload)).toMatchObject(expected));
});
