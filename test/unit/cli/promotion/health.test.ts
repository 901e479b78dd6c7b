import { expect, test } from "vitest";
import { healthOf, type HealthStatus } from "../../../../cli/promotion/health.ts";
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
  ["no Deployment", { workload: undefined }, /^has no Deployment on the cluster, nor a StatefulSet, CronJob or Job$/],
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
