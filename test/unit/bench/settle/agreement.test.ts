import { expect, test } from "vitest";
import { disagreements, type Facts, type RunImage } from "../../../../bench/settle/agreement.ts";
import type { ReleaseRecord, Verification } from "../../../../git/release-record.ts";

const digest = (digit: number): string => `sha256:${String(digit).repeat(64)}`;
const image = (digit: number, kind: RunImage["kind"]): RunImage => ({
  digest: digest(digit),
  kind,
  commit: String(digit).repeat(40),
});
const passed: Verification = { state: "passed", at: "2026-03-01T12:00:00.000Z", evidence: "all is well" };
const pending: Verification = { state: "pending" };

function record(digit: number, verification?: Verification, rejected?: ReleaseRecord["rejected"]): ReleaseRecord {
  return { image: { repository: "shop-cart", digest: digest(digit) }, verification, rejected };
}

const before = record(0);
const takenBack = (digit: number, reason = "is Degraded"): ReleaseRecord =>
  record(0, undefined, { digest: digest(digit), reason });

function facts(images: readonly RunImage[], records: readonly ReleaseRecord[], more: Partial<Facts> = {}): Facts {
  const runs = records.at(-1)?.image?.digest ?? "";
  const isRejected = (one: RunImage): boolean => records.some(({ rejected }) => rejected?.digest === one.digest);
  const pod = (name: string) => ({ name, digest: runs, ready: true });
  return {
    images,
    records: [before, ...records],
    cluster: {
      digest: runs,
      health: "Healthy",
      pods: [pod("a"), pod("b")],
      replicas: 2,
      sync: "Synced",
      argoCdHealth: "Healthy",
    },
    statuses: new Map(images.map((one) => [one.commit, isRejected(one) ? "failure" : "success"])),
    statements: [],
    ...more,
  };
}

const good = image(1, "good");
const bad = image(1, "late");
const newerGood = image(2, "slow");
const newerBad = image(2, "never");

test.each<[string, Facts]>([
  ["a good image has passed", facts([good], [record(1, pending), record(1, passed)])],
  ["a bad one is taken back", facts([bad], [record(1, pending), takenBack(1)])],
  [
    "a good one was not well in time",
    facts([good], [record(1, pending), takenBack(1, "after 0.2 minutes, it is Progressing")]),
  ],
  [
    "a newer good one has superseded a bad one, of which nobody was told",
    facts([bad, newerGood], [record(1, pending), record(2, pending), record(2, passed)], {
      statuses: new Map([[newerGood.commit, "success"]]),
    }),
  ],
  [
    "a newer bad one is taken back to one that has passed",
    facts(
      [good, newerBad],
      [
        record(1, pending),
        record(1, passed),
        record(2, pending),
        record(1, passed, { digest: digest(2), reason: "is Degraded" }),
      ],
    ),
  ],
  [
    "a newer bad one is taken back past one that has proved nothing",
    facts([good, newerBad], [record(1, pending), record(2, pending), takenBack(2)], {
      statuses: new Map([[newerBad.commit, "failure"]]),
    }),
  ],
  [
    "a release has never come into Git",
    facts([good, newerBad], [record(1, pending), record(1, passed)], {
      statuses: new Map([[good.commit, "success"]]),
    }),
  ],
])("agree: %s", (_, agreed) => {
  expect(disagreements(agreed)).toEqual([]);
});

const cluster = facts([good], [record(1, passed)]).cluster;

test.each<[string, Facts, string[]]>([
  [
    "no verdict",
    facts([good], [record(1, pending)], { statuses: new Map() }),
    ["Git: sha256:111111111111 still waits for a verdict"],
  ],
  [
    "a bad image has passed",
    facts([bad], [record(1, pending), record(1, passed)]),
    ["Git: sha256:111111111111, late, is not rejected", "verdict: sha256:111111111111, late, has passed"],
  ],
  [
    "a good image has failed",
    facts([good], [record(1, pending), takenBack(1)]),
    ["verdict: sha256:111111111111, good, has failed: is Degraded"],
  ],
  [
    "it went back to what has proved nothing",
    facts(
      [good, newerBad],
      [record(1, pending), record(2, pending), record(1, undefined, { digest: digest(2), reason: "is Degraded" })],
      {
        statuses: new Map([[newerBad.commit, "failure"]]),
      },
    ),
    ["Git: went back to sha256:111111111111 in place of sha256:000000000000"],
  ],
  [
    "what was rejected came back",
    facts([bad], [record(1, pending), takenBack(1), record(1, pending), takenBack(1)]),
    ["Git: sha256:111111111111, late, came back after it was rejected"],
  ],
  [
    "a newer release is lost",
    facts([good, newerGood], [record(1, pending), record(2, pending), record(1, passed)], {
      statuses: new Map([[good.commit, "success"]]),
    }),
    ["Git: runs sha256:111111111111 in place of sha256:222222222222"],
  ],
  [
    "the cluster runs something else",
    facts([good], [record(1, passed)], {
      cluster: {
        ...cluster,
        digest: digest(0),
        health: "Progressing",
        pods: [
          { name: "a", digest: digest(0), ready: true },
          { name: "b", digest: digest(1), ready: false },
          { name: "c", digest: digest(1), ready: true },
        ],
        sync: "OutOfSync",
      },
    }),
    [
      "cluster: is to run sha256:000000000000, Git sha256:111111111111",
      "cluster: a runs sha256:000000000000",
      "cluster: b is not ready with sha256:111111111111",
      "cluster: 3 of 2 pods",
      "cluster: is Progressing",
      "Argo CD: is OutOfSync and Healthy",
    ],
  ],
  [
    "GitHub was not told",
    facts([bad], [record(1, pending), takenBack(1)], { statuses: new Map() }),
    ["GitHub: sha256:111111111111, late, is not told of in place of failure"],
  ],
  [
    "GitHub waits for what was superseded",
    facts([bad, newerGood], [record(1, pending), record(2, pending), record(2, passed)], {
      statuses: new Map([
        [bad.commit, "pending"],
        [newerGood.commit, "success"],
      ]),
    }),
    ["GitHub: sha256:111111111111, late, is pending in place of superseded"],
  ],
  [
    "a waiter says what Git does not",
    facts([bad], [record(1, pending), takenBack(1)], { statements: [{ digest: bad.digest, state: "passed" }] }),
    ["waiter: says that sha256:111111111111 has passed, Git does not"],
  ],
])("disagree: %s", (_, found, expected) => {
  expect(disagreements(found)).toEqual(expected);
});
