import { describe, expect, test } from "vitest";
import { healthOf, type HealthStatus } from "../../../../cli/promotion/health.ts";
import { ApiError } from "../../../../kubernetes/errors.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { withValue } from "../../../../kubernetes/object.ts";
import { runningService } from "../../../support/sample-running-service.ts";

const digest = `sha256:${"1".repeat(64)}`;
const another = `sha256:${"2".repeat(64)}`;
const since = "2026-01-01T10:00:00Z";
const later = "2026-01-01T10:05:00Z";
const now = Date.parse("2026-01-01T10:10:00Z");
const link = runningService("link", digest, since);
const status: HealthStatus = {
  releasedAt: since,
  argoCd: true,
  application: link.application,
  workload: link.deployment,
  pods: [link.pod],
  disruptionBudgets: [],
  cronJobs: [],
  runs: [],
};

const healthIn = (changes: Partial<HealthStatus> = {}, minutes = 10) =>
  healthOf({ service: "link", digest }, { ...status, ...changes }, minutes, now);

test("a digest that has been Healthy for exactly as long as wanted passes", () => {
  expect(healthIn()).toEqual({
    service: "link",
    digest,
    passed: true,
    healthySince: "2026-01-01T10:00:00.000Z",
    detail: "has been Healthy for 10 of 10 minutes",
  });
  expect(healthIn({}, 11)).toMatchObject({ passed: false, detail: "has been Healthy for 10 of 11 minutes" });
});

test("an Argo CD that looks at no pods names no images, which says nothing", () => {
  expect(healthIn({ application: changed(link.application, "status.summary", {}) }).passed).toBe(true);
});

test("without Argo CD the Deployment alone has its say", () => {
  expect(healthIn({ argoCd: false, application: undefined }).passed).toBe(true);
});

const changed = (object: JsonMap, path: string, value: JsonMap[string] | undefined): JsonMap =>
  withValue(object, path.split("."), value);
const conditions = (type: string, values: JsonMap) => ({
  workload: changed(
    link.deployment,
    "status.conditions",
    [
      { type: "Available", lastTransitionTime: since },
      { type: "Progressing", lastUpdateTime: since },
    ].map((condition) => (condition.type === type ? { ...condition, ...values } : condition)),
  ),
});
const restarted = (startedAt: string): JsonMap =>
  changed(link.pod, "status.containerStatuses", [{ restartCount: 1, state: { running: { startedAt } } }]);

const budget = (values: JsonMap): JsonMap => ({ metadata: { name: "link" }, spec: { selector: {} }, status: values });

test.each<[what: string, changes: Partial<HealthStatus>]>([
  ["a CronJob that runs", { cronJobs: [{ spec: { suspend: false } }, { spec: {} }] }],
  [
    "a budget that lets a pod go",
    { disruptionBudgets: [budget({ expectedPods: 2, currentHealthy: 2, disruptionsAllowed: 1 })] },
  ],
  [
    "a budget that blocks while a pod is missing",
    { disruptionBudgets: [budget({ expectedPods: 2, currentHealthy: 1, disruptionsAllowed: 0 })] },
  ],
  ["a budget of no pods", { disruptionBudgets: [budget({ expectedPods: 0, disruptionsAllowed: 0 })] }],
  ["a budget that nobody has looked at", { disruptionBudgets: [budget({})] }],
])("passes with %s", (_what, changes) => expect(healthIn(changes).passed).toBe(true));

test.each<[witness: string, changes: Partial<HealthStatus>]>([
  ["the release commit", { releasedAt: later }],
  ["the rollout", conditions("Progressing", { lastUpdateTime: later })],
  ["the availability", conditions("Available", { lastTransitionTime: later })],
  ["Argo CD", { application: changed(link.application, "status.health.lastTransitionTime", later) }],
  ["a container that came back", { pods: [link.pod, restarted(later)] }],
])("the latest of all moments counts: that of %s", (_witness, changes) => {
  expect(healthIn(changes)).toMatchObject({ passed: false, healthySince: "2026-01-01T10:05:00.000Z" });
});

test.each<[what: string, changes: Partial<HealthStatus>, detail: RegExp]>([
  [
    "no Deployment",
    { workload: undefined },
    /^has no Deployment on the cluster, nor a Rollout, StatefulSet, CronJob or Job$/,
  ],
  [
    "a Rollout that may not be read",
    { workload: undefined, hiddenRollouts: new ApiError("forbidden", { status: 403, reason: "Forbidden" }) },
    /^has no Deployment on the cluster, nor a StatefulSet, CronJob or Job; Rollouts cannot be read \(forbidden\)$/,
  ],
  [
    "another image",
    { workload: runningService("link", another, since).deployment },
    /^does not run sha256:1{12} yet, but docker\.io\/acme\/shop-link@sha256:2+$/,
  ],
  [
    "a rollout under way",
    { workload: changed(link.deployment, "status.availableReplicas", 0) },
    /^is Progressing: 0 of 1 new pods are available$/,
  ],
  ["no Application", { application: undefined }, /^has no Application in Argo CD$/],
  [
    "a sick Application",
    { application: changed(link.application, "status.health.status", "Degraded") },
    /^is Degraded in Argo CD$/,
  ],
  [
    "a failed sync",
    { application: changed(link.application, "status.sync.status", "OutOfSync") },
    /^is OutOfSync in Argo CD$/,
  ],
  [
    "a CronJob that is suspended",
    {
      cronJobs: [
        { metadata: { name: "link-tidy", labels: { "app.kubernetes.io/name": "link" } }, spec: { suspend: true } },
      ],
    },
    /^has a CronJob link-tidy that is suspended, so it does not run$/,
  ],
  [
    "a budget of disruptions that blocks every eviction",
    { disruptionBudgets: [budget({ expectedPods: 1, currentHealthy: 1, disruptionsAllowed: 0 })] },
    /^has a PodDisruptionBudget link that lets no pod be evicted though all of them are well: /,
  ],
  [
    "another one of several budgets",
    {
      disruptionBudgets: [
        budget({ expectedPods: 3, currentHealthy: 3, disruptionsAllowed: 1 }),
        budget({ expectedPods: 3, currentHealthy: 3 }),
      ],
    },
    /^has a PodDisruptionBudget link that lets no pod be evicted/,
  ],
  [
    "images that Argo CD has not seen",
    { application: changed(link.application, "status.summary.images", [`docker.io/acme/shop-link@${another}`]) },
    /^is not seen to run sha256:1{12} by Argo CD yet$/,
  ],
])("does not pass with %s", (_what, changes, detail) => {
  expect(healthIn(changes, 0)).toMatchObject({
    passed: false,
    healthySince: null,
    detail: expect.stringMatching(detail),
  });
});

test.each<[what: string, changes: Partial<HealthStatus>]>([
  ["no release commit", { releasedAt: null }],
  ["no time from Argo CD", { application: changed(link.application, "status.health.lastTransitionTime", undefined) }],
  ["no conditions", { workload: changed(link.deployment, "status.conditions", []) }],
])("with %s nothing tells since when, so it does not pass", (_what, changes) => {
  expect(healthIn(changes, 0)).toMatchObject({ passed: false, detail: expect.stringContaining("nothing tells") });
});

describe("a service of another kind", () => {
  const image = `docker.io/acme/shop-link@${digest}`;
  const template: JsonMap = { spec: { containers: [{ name: "link", image }] } };
  const metadata: JsonMap = { name: "link", uid: "1", creationTimestamp: since };
  const job = (conditionType: string, lastTransitionTime: string, message = ""): JsonMap => ({
    kind: "Job",
    metadata,
    spec: { template },
    status: { conditions: [{ type: conditionType, status: "True", lastTransitionTime, message }] },
  });
  const cron: JsonMap = { kind: "CronJob", metadata, spec: { jobTemplate: { spec: { template } } } };
  const run = (conditionType: string, runs = image): JsonMap => ({
    kind: "Job",
    metadata: { name: "link-1", ownerReferences: [{ uid: "1" }] },
    spec: { template: { spec: { containers: [{ name: "link", image: runs }] } } },
    status: { conditions: [{ type: conditionType, status: "True", message: "reached the specified backoff limit" }] },
  });
  const stateful: JsonMap = {
    kind: "StatefulSet",
    metadata,
    spec: { replicas: 2, template },
    status: { updatedReplicas: 2, readyReplicas: 2 },
  };
  const ready = (lastTransitionTime: string): JsonMap => ({
    status: { conditions: [{ type: "Ready", status: "True", lastTransitionTime }] },
  });
  /** The pod of a run that has failed. */
  const failed = (name: string): JsonMap => ({
    metadata: { labels: { "batch.kubernetes.io/job-name": name } },
    status: { containerStatuses: [{ state: { terminated: { exitCode: 3, message: "no such table" } } }] },
  });

  test.each<[what: string, changes: Partial<HealthStatus>, healthySince: string]>([
    ["a job since it has succeeded", { workload: job("Complete", later), pods: [] }, "2026-01-01T10:05:00.000Z"],
    ["a cron since it is declared so, before its first run", { workload: cron, pods: [] }, "2026-01-01T10:00:00.000Z"],
    ["a cron whose last run has succeeded", { workload: cron, runs: [run("Complete")] }, "2026-01-01T10:00:00.000Z"],
    [
      "a cron of which another image has failed",
      { workload: cron, runs: [run("Failed", `docker.io/acme/shop-link@${another}`)] },
      "2026-01-01T10:00:00.000Z",
    ],
    [
      "a cron whose runs Argo CD has seen with an image of earlier",
      {
        workload: cron,
        application: changed(link.application, "status.summary.images", [`docker.io/acme/shop-link@${another}`]),
      },
      "2026-01-01T10:00:00.000Z",
    ],
    [
      "a StatefulSet since the last of its pods is ready",
      { workload: stateful, pods: [ready(since), ready(later)] },
      "2026-01-01T10:05:00.000Z",
    ],
  ])("is well: %s", (_what, changes, healthySince) => {
    expect(healthIn(changes, 0)).toMatchObject({ passed: true, healthySince });
  });

  test.each<[what: string, changes: Partial<HealthStatus>, detail: RegExp]>([
    ["a job that runs", { workload: job("SuccessCriteriaMet", since) }, /^is Progressing: it is running$/],
    [
      "a job that has failed",
      { workload: job("Failed", since, "reached the specified backoff limit"), pods: [failed("link")] },
      /^is Degraded: reached the specified backoff limit; exit code 3: no such table$/,
    ],
    [
      "a cron whose last run has failed",
      { workload: cron, runs: [run("Failed")], pods: [failed("link-1")] },
      /^is Degraded: its last run has failed: .*; exit code 3: no such table$/,
    ],
    [
      "a cron that is suspended",
      { workload: changed(cron, "spec.suspend", true) },
      /^is Suspended: is suspended, so it does not run$/,
    ],
    [
      "a cron of another image",
      { workload: changed(cron, "spec.jobTemplate.spec.template.spec.containers", [{ name: "link", image: "other" }]) },
      /^does not run sha256:1{12} yet, but other$/,
    ],
    [
      "a StatefulSet whose pods are not all new",
      { workload: changed(stateful, "status.updatedReplicas", 1) },
      /^is Progressing: 1 of 2 new pods are ready$/,
    ],
    [
      "a StatefulSet whose pods say nothing of when",
      { workload: stateful, pods: [ready(since), {}] },
      /^is Healthy, but nothing tells since when/,
    ],
  ])("does not pass: %s", (_what, changes, detail) => {
    expect(healthIn(changes, 0)).toMatchObject({ passed: false, detail: expect.stringMatching(detail) });
  });
});
