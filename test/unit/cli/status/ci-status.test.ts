import { afterEach, expect, test, vi } from "vitest";
import { pipelineState, readCi } from "../../../../cli/status/ci-status.ts";
import { applicationStatus, deploymentStatus } from "../../../../cli/status/cluster-status.ts";
import { oneLine, readingOf } from "../../../../cli/status/reading.ts";
import { UnreachableError } from "../../../../kubernetes/errors.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

function deployment(status: JsonMap, spec: JsonMap = {}): JsonMap {
  const containers = [
    { name: "proxy", image: "proxy:1" },
    { name: "link", image: `docker.io/acme/shop-link@${digest("1")}` },
  ];
  return {
    metadata: { name: "link", generation: 2 },
    spec: { replicas: 2, template: { spec: { containers } }, ...spec },
    status: { observedGeneration: 2, ...status },
  };
}

test.each([
  ["ok", "Healthy", { replicas: 2, updatedReplicas: 2, availableReplicas: 2 }, {}],
  ["progress", "Progressing", { replicas: 3, updatedReplicas: 2, availableReplicas: 3 }, {}],
  ["progress", "Progressing", { replicas: 2, updatedReplicas: 1, availableReplicas: 2 }, {}],
  ["progress", "Progressing", { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }, {}],
  [
    "failed",
    "Degraded",
    { conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "too slow" }] },
    {},
  ],
  ["failed", "Degraded", { conditions: [{ type: "ReplicaFailure", status: "True", message: "quota" }] }, {}],
  ["unknown", "Suspended", {}, { replicas: 0 }],
])("a Deployment is %s and %s", (state, health, status: JsonMap, spec: JsonMap) => {
  expect(deploymentStatus(deployment(status, spec))).toMatchObject({
    service: "link",
    image: `docker.io/acme/shop-link@${digest("1")}`,
    state,
    health,
  });
});

test("an Application's own error comes before the message of its last operation", () => {
  const operationState = { phase: "Failed", message: "one or more objects failed to apply" };
  const status = { sync: { status: "OutOfSync" }, health: { status: "Healthy" }, operationState };
  const application = { metadata: { name: "shop-dev-link" }, status };
  expect(applicationStatus(application, "shop-dev-")).toEqual({
    service: "link",
    sync: "OutOfSync",
    health: "Healthy",
    phase: "Failed",
    message: operationState.message,
  });
  const conditions = [{ type: "ComparisonError", message: "path does not exist" }];
  expect(applicationStatus({ ...application, status: { ...status, conditions } }, "shop-dev-").message).toBe(
    "path does not exist",
  );
  expect(applicationStatus({ metadata: { name: "shop-dev-link" } }, "shop-dev-")).toMatchObject({
    sync: "Unknown",
    health: "Unknown",
    phase: null,
  });
});

test.each([
  [["success", "success"], "ok", "#7 success"],
  [["success", "running"], "progress", "#7 running"],
  [["running", "failed"], "failed", "#7 failed"],
  [["on_hold"], "progress", "#7 on hold"],
  [[], "unknown", "#7 has not started"],
])("a pipeline of workflows %j is %s", (statuses, state, summary) => {
  expect(pipelineState(7, statuses)).toEqual({ state, summary });
});

test("CI without a token is not asked, and a token never shows", async () => {
  const location = { host: "http://127.0.0.1:1/api/v2", organizationId: "o", context: "shop-dev" };
  const reading = (token: string | undefined) => readingOf((signal) => readCi({ ...location, token }, signal), 2000);
  expect(await reading(undefined)).toMatchObject({ state: "unknown", reason: expect.stringContaining("CIRCLE_TOKEN") });
  expect(await reading("hidden-token")).toEqual({ state: "unknown", reason: "127.0.0.1:1 cannot be reached" });
});

const ciEndpoint = { host: "https://circleci.test/api/v2", token: "t", organizationId: "o", context: "shop-dev" };

/** Answers as CircleCI's API does, by path. */
function stubCircleCi(answers: Record<string, unknown>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    const path = url.slice(ciEndpoint.host.length);
    asked.push(path);
    return path in answers ? Response.json(answers[path]) : new Response("", { status: 404 });
  });
  return asked;
}
afterEach(() => vi.unstubAllGlobals());

const contexts = {
  "/context?owner-id=o": { items: [{ id: "c0", name: "other" }], next_page_token: "more" },
  "/context?owner-id=o&page-token=more": { items: [{ id: "c1", name: "shop-dev" }], next_page_token: null },
  "/context/c1/restrictions": {
    items: [{ id: "r1", name: "shop", restriction_type: "project", restriction_value: "p1" }],
  },
};
const pipeline = (number: number, rest: object = {}) => ({ id: `p${number}`, number, state: "created", ...rest });
const workflow = (name: string, status: string, minute: number) => ({
  id: `w${minute}`,
  name,
  status,
  created_at: `2026-01-01T10:0${minute}:00Z`,
});

test("CI is as the newest pipeline of the branch, in the project to which the context is restricted", async () => {
  const asked = stubCircleCi({
    ...contexts,
    "/project/circleci/o/p1/pipeline?branch=main": {
      items: [pipeline(9, { trigger: { type: "schedule" } }), pipeline(8), pipeline(7)],
    },
    "/pipeline/p8/workflow": {
      items: [workflow("deliver", "success", 3), workflow("deliver", "failed", 1), workflow("setup", "success", 0)],
    },
  });
  const { signal } = new AbortController();
  expect(await readCi({ ...ciEndpoint, branch: "main" }, signal)).toEqual({ state: "ok", summary: "#8 success" });
  expect(asked).not.toContain("/pipeline/p9/workflow");
});

test("a pipeline whose config CircleCI does not accept has failed", async () => {
  const errors = [{ type: "config", message: "Cannot find job deploy" }];
  stubCircleCi({
    ...contexts,
    "/project/gh/acme/shop/pipeline": { items: [pipeline(8, { state: "errored", errors })] },
  });
  const location = { ...ciEndpoint, projectSlug: "gh/acme/shop" };
  expect(await readCi(location, new AbortController().signal)).toEqual({
    state: "failed",
    summary: "#8 Cannot find job deploy",
  });
});

test("a context that is not there has failed", async () => {
  stubCircleCi(contexts);
  expect(await readCi({ ...ciEndpoint, context: "shop-qa" }, new AbortController().signal)).toEqual({
    state: "failed",
    summary: "no context shop-qa",
  });
});

test("what is not there is unknown, what refuses has failed, and what hangs is given up", async () => {
  expect(await readingOf(() => Promise.reject(new UnreachableError("no cluster")), 1000)).toEqual({
    reason: "no cluster",
    state: "unknown",
  });
  expect(await readingOf(() => Promise.reject(new Error("not permitted")), 1000)).toEqual({
    reason: "not permitted",
    state: "failed",
  });
  const given: { signal?: AbortSignal } = {};
  const hanging = (signal: AbortSignal): Promise<never> => new Promise(() => (given.signal = signal));
  expect(await readingOf(hanging, 20)).toEqual({ reason: "no answer within 0.02 s", state: "unknown" });
  expect(given.signal?.aborted).toBe(true);
});

test("reasons are one line without credentials", () => {
  expect(oneLine("https://me:secret@host/x fails\nmore")).toBe("https://host/x fails");
  expect(oneLine("a\u001B[31mred")).toBe("a [31mred");
  expect(oneLine("x".repeat(1000))).toHaveLength(300);
});
