import { expect, test } from "vitest";
import { outcomesOf } from "../../../../cli/verification/recent-outcomes.ts";
import type { RecordedRelease } from "../../../../git/record-timeline.ts";
import type { ReleaseRecord } from "../../../../git/release-record.ts";

const digest = (digit: number): string => `sha256:${String(digit).repeat(64)}`;
const source = (digit: number): string => String(digit).repeat(40);
const at = (hour: number): string => `2026-03-01T${String(hour).padStart(2, "0")}:00:00.000Z`;
const since = Date.parse(at(6));

function release(hour: number, digit: number, record: Partial<ReleaseRecord> = {}): RecordedRelease {
  return {
    commit: `${hour}`,
    at: at(hour),
    record: { image: { repository: "shop-cart", digest: digest(digit) }, sourceCommit: source(digit), ...record },
  };
}
const pending = { verification: { state: "pending" } } as const;
const passed = { verification: { state: "passed", at: at(9), evidence: "all is well" } } as const;
const rejected = (digit: number, reason?: string) => ({
  rejected: { digest: digest(digit), ...(reason === undefined ? {} : { reason }) },
});
const found = (digit: number, outcome: object) => ({
  service: "cart",
  digest: digest(digit),
  sourceCommit: source(digit),
  outcome,
});

test.each<[string, RecordedRelease[], object[]]>([
  [
    "one has passed",
    [release(9, 1, passed), release(8, 1, pending)],
    [found(1, { state: "passed", evidence: "all is well" })],
  ],
  [
    "one was taken back",
    [release(9, 1, rejected(2, "is Degraded")), release(8, 2, pending), release(1, 1)],
    [found(2, { state: "failed", evidence: "is Degraded", back: digest(1) })],
  ],
  [
    "one was taken back after it had passed",
    [release(9, 1, rejected(2, "eu: is Degraded")), release(8, 2, passed), release(7, 2, pending), release(1, 1)],
    [found(2, { state: "failed", evidence: "eu: is Degraded", back: digest(1) })],
  ],
  [
    "a person has rolled back what had passed, and does not say why",
    [release(9, 1, rejected(2)), release(8, 2, passed), release(1, 1)],
    [found(2, { state: "passed", evidence: "all is well" })],
  ],
  [
    "one was followed by another, which waits",
    [release(9, 2, pending), release(8, 1, pending)],
    [
      found(2, { state: "pending", detail: "it has no verdict yet" }),
      found(1, { state: "superseded", detail: "superseded by sha256:222222222222" }),
    ],
  ],
  [
    "a person has rolled it back",
    [release(9, 1, rejected(2)), release(8, 2, pending), release(1, 1)],
    [found(2, { state: "superseded", detail: "superseded by sha256:111111111111" })],
  ],
  [
    "it was released again after it had failed",
    [release(10, 2, passed), release(9, 1, rejected(2, "is Degraded")), release(8, 2, pending)],
    [found(2, { state: "passed", evidence: "all is well" })],
  ],
  ["none had to prove itself", [release(9, 2), release(8, 1)], []],
  ["it was long ago", [release(5, 2), release(4, 1, passed)], []],
  [
    "it was released long ago, and taken back lately",
    [release(9, 1, rejected(2, "is Degraded")), release(2, 2, pending)],
    [found(2, { state: "failed", evidence: "is Degraded", back: digest(1) })],
  ],
])("what has come of images: %s", (_, timeline, expected) => {
  expect(outcomesOf("cart", timeline, since)).toEqual(expected);
});
