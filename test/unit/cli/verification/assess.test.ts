import { describe, expect, test } from "vitest";
import type { HealthStatus } from "../../../../cli/promotion/health.ts";
import { answeringPods, assess } from "../../../../cli/verification/assess.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { nameOf } from "../../../../kubernetes/object.ts";
import { runningService } from "../../../support/sample-running-service.ts";

const [digest, before] = ["1", "2"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
const since = "2026-01-01T10:00:00Z";
const minute = 60_000;

/** A pod of a Rollout. */
const pod = (hash: string, runs: string, metadata: JsonMap = {}): JsonMap => {
  const { pod: made } = runningService("link", runs, since);
  return {
    ...made,
    metadata: { name: `link-${hash}`, labels: { "rollouts-pod-template-hash": hash }, ...metadata },
  };
};

/** The Rollout of an image that is well, and has all requests. */
const rollout = (status: JsonMap = {}): JsonMap => ({
  kind: "Rollout",
  metadata: { name: "link", generation: 1 },
  spec: {
    replicas: 1,
    strategy: { blueGreen: { activeService: "link", scaleDownDelaySeconds: 120 } },
    template: { spec: { containers: [{ name: "link", image: `docker.io/acme/shop-link@${digest}` }] } },
  },
  status: {
    observedGeneration: "1",
    phase: "Healthy",
    currentPodHash: "new",
    stableRS: "new",
    blueGreen: { activeSelector: "new", previewSelector: "new" },
    conditions: ["Healthy", "Available"].map((type) => ({ type, status: "True", lastTransitionTime: since })),
    ...status,
  },
});

const statusOf = (pods: JsonMap[], workload = rollout()): HealthStatus => ({
  releasedAt: since,
  argoCd: false,
  application: undefined,
  workload,
  pods,
  disruptionBudgets: [],
  cronJobs: [],
  runs: [],
});
const rules = { minutes: 0, timeoutMinutes: 10, checks: [], port: undefined };
const assessAfter = (minutes: number, status: HealthStatus, hold = 0) =>
  assess({
    service: "link",
    digest,
    status,
    rules: { ...rules, minutes: hold },
    now: Date.parse(since) + minutes * minute,
  });

describe("pods of the image before that a Rollout keeps", () => {
  const kept = statusOf([pod("new", digest), pod("old", before)]);

  test("put the verdict off until they are gone", () => {
    expect(assessAfter(1, kept)).toEqual({
      state: "hold",
      detail: expect.stringMatching(/; 1 pods of the image before are kept for a while, to which no requests go$/),
      due: Date.parse(since) + 2 * minute,
    });
    expect(assessAfter(3, statusOf([pod("new", digest)]))).toMatchObject({ state: "held" });
  });

  test("put it off no longer than the image has to be well anyway", () => {
    expect(assessAfter(1, kept, 5)).toMatchObject({ state: "hold", due: Date.parse(since) + 5 * minute });
  });

  test("are looked at again at once where they should be gone", () => {
    expect(assessAfter(4, kept)).toMatchObject({ state: "hold", due: Date.parse(since) + 4 * minute });
  });

  test("fail it where they never go", () => {
    expect(assessAfter(22, kept)).toMatchObject({ state: "hold" });
    expect(assessAfter(23, kept)).toEqual({
      state: "failed",
      detail: "has 1 pods of another image, which were kept for 120 s",
    });
  });

  test("are not asked whether the image is well, and neither are those on their way out", () => {
    const ends = pod("new", digest, { name: "link-ends", deletionTimestamp: since });
    const names = answeringPods({ ...kept, pods: [...kept.pods, ends] }).map(nameOf);
    expect(names).toEqual(["link-new"]);
  });
});

test("a canary whose requests a router splits keeps pods for a while, too", () => {
  const strategy = { canary: { trafficRouting: { plugins: {} }, scaleDownDelaySeconds: 30 } };
  const routed = (stableRS: string): JsonMap => ({
    ...rollout({ blueGreen: {}, stableRS }),
    spec: { ...Object(rollout()["spec"]), strategy },
  });
  const pods = [pod("new", digest), pod("old", before)];
  expect(assessAfter(0.25, statusOf(pods, routed("new")))).toMatchObject({
    state: "hold",
    due: Date.parse(since) + minute / 2,
  });
  expect(assessAfter(0.25, statusOf(pods, routed("old")))).toMatchObject({ state: "rollout" });
});

test.each<[what: string, workload: JsonMap]>([
  ["before requests go to the new ones", rollout({ blueGreen: { activeSelector: "old" } })],
  ["with a rollout in steps", { ...rollout({ blueGreen: {} }), spec: { ...Object(rollout()["spec"]), strategy: {} } }],
])("pods of the image before are in the way %s", (_what, workload) => {
  const status = statusOf([pod("new", digest), pod("old", before)], workload);
  expect(assessAfter(1, status)).toEqual({
    state: "rollout",
    detail: "has 1 of 2 pods of another image: link-old",
  });
  expect(answeringPods(status)).toHaveLength(2);
});

test("the image before alone is not the image", () => {
  expect(assessAfter(1, statusOf([pod("old", before)]))).toMatchObject({ state: "rollout" });
});
