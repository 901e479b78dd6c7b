import { expect, test } from "vitest";
import { applicationStatus } from "../../../../cli/status/cluster-status.ts";
import { workloadStatus } from "../../../../cli/status/workload-status.ts";
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
  expect(workloadStatus(deployment(status, spec))).toMatchObject({
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
