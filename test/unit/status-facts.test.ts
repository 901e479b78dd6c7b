import { expect, test } from "vitest";
import { pipelineState, readCi } from "../../cli/status/ci-facts.ts";
import { applicationFacts, deploymentFacts } from "../../cli/status/cluster-facts.ts";
import { oneLine, readingOf } from "../../cli/status/reading.ts";
import { readReleases } from "../../cli/status/release-facts.ts";
import { commitReleases } from "../../git/records.ts";
import { UnreachableError } from "../../kubernetes/errors.ts";
import type { JsonMap } from "../../kubernetes/json.ts";
import { BareRepository } from "../bare-repository.ts";

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
  expect(deploymentFacts(deployment(status, spec))).toMatchObject({
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
  expect(applicationFacts(application, "shop-dev-")).toEqual({
    service: "link",
    sync: "OutOfSync",
    health: "Healthy",
    phase: "Failed",
    message: operationState.message,
  });
  const conditions = [{ type: "ComparisonError", message: "path does not exist" }];
  expect(applicationFacts({ ...application, status: { ...status, conditions } }, "shop-dev-").message).toBe(
    "path does not exist",
  );
  expect(applicationFacts({ metadata: { name: "shop-dev-link" } }, "shop-dev-")).toMatchObject({
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
  const place = { host: "http://127.0.0.1:1/api/v2", organizationId: "o", context: "shop-dev" };
  const reading = (token: string | undefined) => readingOf((signal) => readCi({ ...place, token }, signal), 2000);
  expect(await reading(undefined)).toMatchObject({ state: "unknown", reason: expect.stringContaining("CIRCLE_TOKEN") });
  expect(await reading("hidden-token")).toEqual({ state: "unknown", reason: "127.0.0.1:1 cannot be reached" });
});

test("the release commit is the last one that touched the record; the source commit is found by the digest, wherever it was released first", async () => {
  using repository = new BareRepository();
  const branch = { repository: repository.url, branch: "main" };
  const release = (directory: string, service: string, digit: string, trailers: string[]) =>
    commitReleases({
      ...branch,
      directory,
      choose: () => [{ service, repository: "docker.io/acme/shop", digest: digest(digit) }],
      describe: () => ({ subject: "release", trailers }),
    });
  const first = await release("dev", "link", "1", ["Source-Commit: 1111111"]);
  await release("dev", "user", "2", []);
  await release("dev", "link", "3", ["Source-Commit: 3333333"]);
  const promoted = await release("prod", "link", "1", ["Promoted-From: dev"]);
  const { tip, releases } = await readReleases(branch, "prod");
  expect(tip).toBe(promoted.commit);
  expect(releases).toMatchObject([
    { service: "link", releaseCommit: promoted.commit, sourceCommit: "1111111", image: { digest: digest("1") } },
  ]);
  const dev = await readReleases(branch, "dev");
  expect(dev.releases).toMatchObject([
    { service: "link", sourceCommit: "3333333" },
    { service: "user", sourceCommit: null },
  ]);
  expect(Date.parse(dev.releases[0]?.releasedAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
  expect(dev.releases[0]?.releaseCommit).not.toBe(first.commit);
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
