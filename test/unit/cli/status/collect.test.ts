import { expect, test } from "vitest";
import type { WorkloadStatus } from "../../../../cli/status/workload-status.ts";
import { collectStatus, type StatusSources } from "../../../../cli/status/collect.ts";
import { applicationState } from "../../../../cli/status/stages.ts";
import { NotReachableError } from "../../../../core/error.ts";
import { recordedJudgment } from "../../../support/sample-judgment.ts";
import type { ReleaseRecord } from "../../../../git/release-record.ts";

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;
const image = { repository: "docker.io/acme/shop-link", digest: digest("1") };
const running: WorkloadStatus = {
  service: "link",
  image: `${image.repository}@${image.digest}`,
  state: "ok",
  health: "Healthy",
  message: null,
  changedAt: "2026-11-03T09:00:00Z",
};
const released = {
  service: "link",
  image,
  releaseCommit: "9f8e7d6",
  releasedAt: "2026-11-03T09:30:00.000Z",
  sourceCommit: "a1b2c3d",
  unsigned: null,
};
const synced = { service: "link", sync: "Synced", health: "Healthy", phase: "Succeeded", message: null };
const absent = (): Promise<never> => Promise.reject(new NotReachableError("it is away"));

function sources(overrides: Partial<StatusSources> = {}): StatusSources {
  return {
    app: "shop",
    environment: "dev",
    delivery: "gitops",
    untested: [],
    source: () => Promise.resolve({ commit: "a1b2c3d4e5", branch: "main" }),
    ci: () => Promise.resolve({ state: "ok", summary: "#7 success" }),
    hasImage: () => Promise.resolve(true),
    releases: () => Promise.resolve({ head: "9f8e7d6c5b", releases: [released] }),
    applications: () => Promise.resolve([synced]),
    workloads: () => Promise.resolve([running]),
    migrations: () => Promise.resolve([]),
    ...overrides,
  };
}

const statesOf = async (overrides: Partial<StatusSources> = {}) =>
  Object.fromEntries((await collectStatus(sources(overrides))).stages.map(({ name, state }) => [name, state]));

test("a pipeline in which everything is as released", async () => {
  const status = await collectStatus(sources());
  expect(status.services).toEqual([
    {
      service: "link",
      state: "ok",
      commit: "a1b2c3d",
      digest: image.digest,
      releasedDigest: image.digest,
      releaseCommit: "9f8e7d6",
      releasedAt: "2026-11-03T09:30:00.000Z",
      sync: "Synced",
      health: "Healthy",
      message: null,
      migration: null,
      judgment: null,
    },
  ]);
  expect(status.stages.map(({ name, state, summary }) => `${name} ${state} ${summary}`)).toEqual([
    "source ok a1b2c3d on main",
    "ci ok #7 success",
    "registry ok 1 of 1 images",
    "git ok 1 of 1 released at 9f8e7d6",
    "argocd ok 1 of 1 Synced, Healthy",
    "cluster ok 1 of 1 rolled out",
  ]);
  expect(status.problems).toEqual([]);
});

test("what to do about a lack of memory is said first, and of a service that is well again, too", async () => {
  const memoryHint = "a pod was killed at its memory limit";
  const failing = { ...running, state: "failed" as const, message: "exceeded its progress deadline" };
  for (const workload of [running, failing]) {
    const { services } = await collectStatus(
      sources({ workloads: () => Promise.resolve([{ ...workload, memoryHint }]) }),
    );
    expect(services).toMatchObject([{ state: workload.state, message: memoryHint }]);
  }
});

test("a release that the cluster does not run yet is in progress", async () => {
  const overrides = {
    workloads: () => Promise.resolve([{ ...running, image: `${image.repository}@${digest("0")}` }]),
  };
  const { services } = await collectStatus(sources(overrides));
  expect(services).toMatchObject([
    {
      state: "progress",
      digest: digest("0"),
      releasedDigest: digest("1"),
      message: "the released image does not run yet",
    },
  ]);
  expect(await statesOf(overrides)).toMatchObject({ git: "progress" });
});

test("a service without a release waits for its first one", async () => {
  const { services } = await collectStatus(
    sources({
      releases: () => Promise.resolve({ head: "9f8e7d6", releases: [{ ...released, image: null }] }),
      workloads: () => Promise.resolve([]),
    }),
  );
  expect(services).toMatchObject([{ state: "unknown", digest: null, message: "not released yet" }]);
});

test("an image that the registry lacks is a failure of the registry", async () => {
  expect(await statesOf({ hasImage: () => Promise.resolve(false) })).toMatchObject({ registry: "failed" });
});

test("parts that cannot be asked are unknown and say why; the others are shown as ever", async () => {
  const status = await collectStatus(
    sources({
      applications: absent,
      workloads: absent,
      ci: () => Promise.reject(new Error("does not accept the token (401)")),
    }),
  );
  expect(status.services).toMatchObject([
    { service: "link", state: "unknown", digest: image.digest, sync: null, health: null },
  ]);
  expect(status.problems).toEqual([
    { part: "ci", reason: "does not accept the token (401)" },
    { part: "argocd", reason: "it is away" },
    { part: "cluster", reason: "it is away" },
  ]);
  expect(status.stages.map(({ state }) => state)).toEqual(["ok", "failed", "ok", "ok", "unknown", "unknown"]);
});

test("nothing at all is a status, too", async () => {
  const nothing = {
    source: absent,
    ci: absent,
    hasImage: absent,
    releases: absent,
    applications: absent,
    workloads: absent,
  };
  const status = await collectStatus(sources(nothing));
  expect(status.services).toEqual([]);
  expect(new Set(status.stages.map(({ state }) => state))).toEqual(new Set(["unknown"]));
});

test("delivery direct is judged by the Deployments, and has neither Git nor Argo CD", async () => {
  const asked: string[] = [];
  const overrides: Partial<StatusSources> = {
    delivery: "direct",
    releases: absent,
    applications: absent,
    hasImage: async ({ digest: wanted }) => asked.push(wanted) > 0,
  };
  const status = await collectStatus(sources(overrides));
  expect(status.stages.map(({ name }) => name)).toEqual(["source", "ci", "registry", "cluster"]);
  expect(status.services).toMatchObject([
    {
      service: "link",
      state: "ok",
      digest: image.digest,
      releaseCommit: null,
      releasedAt: running.changedAt,
      sync: null,
      health: "Healthy",
    },
  ]);
  expect(asked).toEqual([image.digest]);
});

test.each([
  ["ok", "Synced", "Healthy", "Succeeded"],
  ["progress", "OutOfSync", "Healthy", "Running"],
  ["progress", "Synced", "Progressing", "Succeeded"],
  ["progress", "OutOfSync", "Missing", "Running"],
  ["failed", "OutOfSync", "Missing", null],
  ["failed", "Synced", "Degraded", "Succeeded"],
  ["failed", "OutOfSync", "Healthy", "Failed"],
  ["unknown", "Unknown", "Healthy", null],
])("%s: %s, %s after an operation that is %s", (state, sync, health, phase) => {
  expect(applicationState({ sync, health, phase })).toBe(state);
});

test.each([
  ["failed", "exit status 3", "failed", "the migration to sha256:222222222222 has failed: exit status 3"],
  ["progress", "it runs", "progress", "the migration to sha256:222222222222 has not ended: it runs"],
  ["ok", null, "ok", null],
] as const)(
  "a migration that is %s is said of its service, though what runs is well",
  async (state, why, of, message) => {
    const migration = { digest: `sha256:${"2".repeat(64)}`, state, message: why, log: ["no such table"] };
    const migrations = () => Promise.resolve([{ service: "link", job: "link-migration-22222222-1", ...migration }]);
    const { services } = await collectStatus(sources({ migrations }));
    expect(services).toMatchObject([{ state: of, message, migration }]);
  },
);

test("a release record that nobody has signed is a failure of its service, whatever became of it", async () => {
  const unsigned = "commit 1a2b3c4 by Ada, the last to change it, is not signed";
  const overrides = { releases: () => Promise.resolve({ head: "9f8e7d6", releases: [{ ...released, unsigned }] }) };
  const { services } = await collectStatus(sources(overrides));
  expect(services).toMatchObject([{ state: "failed", message: `the release record: ${unsigned}` }]);
  expect(await statesOf(overrides)).toMatchObject({ git: "failed" });
});

const other = `sha256:${"3".repeat(64)}`;

test("the newest judgment counts: that of what was taken back, or else of what runs", async () => {
  const verification = {
    state: "passed",
    at: "2026-11-03T09:40:00.000Z",
    evidence: "2 pods",
    judgment: { ...recordedJudgment, verdict: "pass", score: 100 },
  } as const;
  const judgmentsOf = async (record: Pick<ReleaseRecord, "rejected" | "verification">) => {
    const releases = () => Promise.resolve({ head: "9f8e7d6", releases: [{ ...released, ...record }] });
    return (await collectStatus(sources({ releases }))).services.map(({ judgment }) => judgment);
  };
  const runs = { ...verification.judgment, digest: released.image.digest, takenBack: false };
  expect(await judgmentsOf({})).toEqual([null]);
  expect(await judgmentsOf({ verification })).toEqual([runs]);
  expect(await judgmentsOf({ verification, rejected: { digest: other } })).toEqual([runs]);
  expect(await judgmentsOf({ verification, rejected: { digest: other, judgment: recordedJudgment } })).toEqual([
    { ...recordedJudgment, digest: other, takenBack: true },
  ]);
});

test.each([
  ["has yet to prove itself", { verification: { state: "pending" } }, "progress", "what runs has yet to prove itself"],
  [
    "has not proved itself, and had nothing to go back to",
    { verification: { state: "failed", at: "2026-11-03T09:40:00.000Z", evidence: "GET /healthz answers 500" } },
    "failed",
    "what runs has not proved itself: GET /healthz answers 500",
  ],
  [
    "has proved itself",
    { verification: { state: "passed", at: "2026-11-03T09:40:00.000Z", evidence: "2 pods" } },
    "ok",
    null,
  ],
  [
    "runs in place of one that was taken back",
    { rejected: { digest: other, reason: "never ready\nfor 5 minutes" } },
    "ok",
    "sha256:333333333333 was taken back: never ready",
  ],
  [
    "runs in place of one that a person took back",
    { rejected: { digest: other } },
    "ok",
    "sha256:333333333333 was taken back",
  ],
  [
    "runs until a window is open",
    { rejected: { digest: other }, waiting: { digest: other } },
    "ok",
    "sha256:333333333333 waits until it may be released",
  ],
] as const)("an image that %s", async (_case, record, state, message) => {
  const releases = () => Promise.resolve({ head: "9f8e7d6", releases: [{ ...released, ...record }] });
  const { services } = await collectStatus(sources({ releases }));
  expect(services).toMatchObject([{ state, message }]);
  // What does not run as it should comes first.
  const workloads = () => Promise.resolve([{ ...running, state: "failed" as const, message: "CrashLoopBackOff" }]);
  expect((await collectStatus(sources({ releases, workloads }))).services).toMatchObject([
    { state: "failed", message: "CrashLoopBackOff" },
  ]);
});
