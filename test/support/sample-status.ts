import type { DeliveryStatus, ServiceStatus } from "../../cli/status/model.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const commit = (digits: string): string => digits.repeat(8).slice(0, 40);

/** A service that runs what was released. */
export function sampleService(overrides: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    service: "link",
    state: "ok",
    commit: commit("a1b2c"),
    digest: digest("3"),
    releasedDigest: digest("3"),
    releaseCommit: commit("9f8e7"),
    releasedAt: "2026-11-03T09:55:00.000Z",
    sync: "Synced",
    health: "Healthy",
    message: null,
    migration: null,
    judgment: null,
    ...overrides,
  };
}

/** A pipeline with a part in every state, and a service in every state. */
export function sampleStatus(overrides: Partial<DeliveryStatus> = {}): DeliveryStatus {
  return {
    app: "shop",
    environment: "dev",
    delivery: "gitops",
    takenAt: "2026-11-03T10:00:00.000Z",
    stages: [
      { name: "source", state: "ok", summary: "a1b2ca1 on main" },
      { name: "ci", state: "unknown", summary: "not reachable" },
      { name: "registry", state: "ok", summary: "4 of 4 images" },
      { name: "git", state: "ok", summary: "4 of 5 released at 9f8e79f" },
      { name: "argocd", state: "progress", summary: "3 of 5 Synced, Healthy" },
      { name: "cluster", state: "failed", summary: "2 of 4 rolled out" },
    ],
    services: [
      sampleService({ service: "api-gateway" }),
      sampleService(),
      sampleService({
        service: "news",
        state: "progress",
        digest: digest("4"),
        releasedAt: "2026-11-03T09:59:48.000Z",
        sync: "OutOfSync",
        health: "Progressing",
        message: "the released image does not run yet",
      }),
      sampleService({
        service: "social-graph",
        state: "failed",
        commit: null,
        releasedAt: "2026-10-31T08:00:00.000Z",
        health: "Degraded",
        message: 'Deployment "social-graph" exceeded its progress deadline',
      }),
      sampleService({
        service: "user",
        state: "unknown",
        commit: null,
        digest: null,
        releasedDigest: null,
        releaseCommit: null,
        releasedAt: null,
        sync: "Synced",
        health: "Suspended",
        message: "not released yet",
      }),
    ],
    untested: ["news"],
    problems: [{ part: "ci", reason: "set CIRCLE_TOKEN to an API token of CircleCI to see it" }],
    ...overrides,
  };
}
