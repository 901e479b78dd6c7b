import { describe, expect, test } from "vitest";
import { idleProblem, type ServiceObjects } from "../../../../cli/promotion/idle-objects.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";
import { runningService } from "../../../support/sample-running-service.ts";

const {
  application,
  deployment: workload,
  pod,
} = runningService("link", `sha256:${"1".repeat(64)}`, "2026-01-01T10:00:00Z");
const problemWith = (changes: Partial<ServiceObjects>): string | undefined =>
  idleProblem("link", {
    application,
    workload,
    pods: [pod],
    disruptionBudgets: [],
    cronJobs: [],
    runs: [],
    ...changes,
  });

describe("a budget that lets no pod be evicted", () => {
  const budget = (selector: JsonMap | undefined): JsonMap => ({
    metadata: { name: "by-hand" },
    spec: selector === undefined ? {} : { selector },
    status: { expectedPods: 1, currentHealthy: 1, disruptionsAllowed: 0 },
  });
  const name = "app.kubernetes.io/name";
  const expression = (operator: string, values?: string[]): JsonMap => ({
    matchExpressions: [{ key: name, operator, ...(values === undefined ? {} : { values }) }],
  });

  test.each<[what: string, selector: JsonMap]>([
    ["its name", { matchLabels: { [name]: "link" } }],
    ["everything", {}],
    ["the app", { matchLabels: { "app.kubernetes.io/part-of": "shop" } }],
    ["one of several names", expression("In", ["user", "link"])],
    ["any but another", expression("NotIn", ["user"])],
    ["whatever has a name", expression("Exists")],
  ])("counts where it is made by hand, without labels, for %s", (_what, selector) => {
    expect(problemWith({ disruptionBudgets: [budget(selector)] })).toMatch(/^has a PodDisruptionBudget by-hand that/);
  });

  test.each<[what: string, selector: JsonMap | undefined]>([
    ["another service", { matchLabels: { [name]: "user" } }],
    ["two labels, of which the pods have one", { matchLabels: { [name]: "link", tier: "front" } }],
    ["other names", expression("In", ["user", "chat"])],
    ["any but this one", expression("NotIn", ["link"])],
    ["what has no name", expression("DoesNotExist")],
    ["an operator that is none", expression("Like", ["li*"])],
    ["nothing", undefined],
  ])("does not count where it is for %s", (_what, selector) => {
    expect(problemWith({ disruptionBudgets: [budget(selector)] })).toBeUndefined();
  });

  test("counts by the pods that the Deployment will have", () => {
    const template = { metadata: { labels: { canary: "yes" } } };
    const budgets = { disruptionBudgets: [budget({ matchLabels: { canary: "yes" } })] };
    expect(problemWith({ ...budgets, pods: [], workload: { spec: { template } } })).toBeDefined();
    expect(problemWith({ ...budgets, pods: [] })).toBeUndefined();
  });
});

describe("a suspended CronJob", () => {
  const cronJob = (jobTemplate: JsonMap, labels: JsonMap = {}): JsonMap => ({
    metadata: { name: "tidy", labels },
    spec: { suspend: true, jobTemplate },
  });
  const own = { "app.kubernetes.io/name": "link" };
  const running = (...images: string[]): JsonMap => ({
    spec: { template: { spec: { containers: images.map((image) => ({ name: "job", image })) } } },
  });

  test.each<[what: string, cronJob: JsonMap]>([
    ["its label", cronJob({}, own)],
    ["the label of its Jobs", cronJob({ metadata: { labels: own } })],
    ["the label of its pods", cronJob({ spec: { template: { metadata: { labels: own } } } })],
    ["its image, by tag and in short", cronJob(running("acme/shop-link:1.2"))],
    ["its image, by digest", cronJob(running("busybox", `docker.io/acme/shop-link@sha256:${"2".repeat(64)}`))],
  ])("belongs to the service by %s", (_what, job) => {
    expect(problemWith({ cronJobs: [job] })).toBe("has a CronJob tidy that is suspended, so it does not run");
  });

  test("belongs to the service whose Application has it", () => {
    const tracking = { ...application, status: { resources: [{ group: "batch", kind: "CronJob", name: "tidy" }] } };
    expect(problemWith({ application: tracking, cronJobs: [cronJob({})] })).toBeDefined();
    expect(problemWith({ application: undefined, cronJobs: [cronJob({})] })).toBeUndefined();
  });

  test.each<[what: string, cronJob: JsonMap]>([
    ["of another service", cronJob({}, { "app.kubernetes.io/name": "user" })],
    ["with another image", cronJob(running("docker.io/acme/shop-link-tools:1", "shop-link"))],
    ["without containers", cronJob({})],
    ["that runs", { ...cronJob({}, own), spec: { suspend: false } }],
  ])("%s says nothing of this one", (_what, job) => expect(problemWith({ cronJobs: [job] })).toBeUndefined());
});
