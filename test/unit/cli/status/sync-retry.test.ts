import { expect, test } from "vitest";
import { applicationStatus } from "../../../../cli/status/cluster-status.ts";
import { syncMessage } from "../../../../cli/status/sync-retry.ts";
import type { JsonMap } from "../../../../kubernetes/json.ts";

const failed = 'one or more objects failed to apply, reason: Deployment.apps "link" is invalid';

/** An Application whose sync failed at 09:00:00, as Argo CD 3.6.1 writes it. */
function retried(retryCount: number, backoff: JsonMap | undefined, others: JsonMap = {}): JsonMap {
  const operationState = {
    phase: "Running",
    finishedAt: "2026-11-29T09:00:00Z",
    message: `${failed}. Retrying attempt #${retryCount} at 2026-11-29T09:00:01Z.`,
    retryCount,
    operation: { retry: backoff === undefined ? { limit: 5 } : { limit: 5, backoff } },
    ...others,
  };
  return { metadata: { name: "link" }, status: { operationState } };
}

const declared = { duration: "1s", factor: 2, maxDuration: "1m" };

test.each<[attempt: number, backoff: JsonMap | undefined, at: string]>([
  // What the program declares: it announces 1, 2, 4 …, and waits 2, 4, 8 …
  [1, declared, "09:00:02"],
  [2, declared, "09:00:04"],
  [3, declared, "09:00:08"],
  [6, declared, "09:01:00"],
  [60, declared, "09:01:00"],
  // Argo CD's own defaults.
  [1, undefined, "09:00:10"],
  [2, {}, "09:00:20"],
  [9, { duration: "" }, "09:03:00"],
  // Durations in all their forms.
  [1, { duration: "5" }, "09:00:10"],
  [1, { duration: "1m30s", maxDuration: "1h" }, "09:03:00"],
  [1, { duration: "1.5s" }, "09:00:03"],
  [1, { duration: "500ms" }, "09:00:01"],
  [1, { duration: "10s", factor: 1 }, "09:00:10"],
  [1, { duration: "10s", factor: 3 }, "09:00:30"],
  [3, { duration: "1h", maxDuration: "0" }, "17:00:00"],
])("attempt %i with %o is at %s", (attempt, backoff, at) => {
  expect(syncMessage(retried(attempt, backoff))).toBe(
    `tried again at 2026-11-29T${at}Z (attempt ${attempt}): ${failed}`,
  );
});

test.each<[what: string, application: JsonMap, message: string | undefined]>([
  ["a duration that is none", retried(1, { duration: "soon" }), `tried again (attempt 1): ${failed}`],
  ["no time of the failure", retried(1, declared, { finishedAt: null }), `tried again (attempt 1): ${failed}`],
  [
    "a wait beyond every date",
    retried(900, { duration: "1s", maxDuration: "0" }),
    `tried again (attempt 900): ${failed}`,
  ],
  [
    "the time as Argo CD 3.1 writes it",
    retried(1, declared, { message: `${failed}. Retrying attempt #1 at 9:00AM.` }),
    `tried again at 2026-11-29T09:00:02Z (attempt 1): ${failed}`,
  ],
  [
    "no reason",
    retried(1, declared, { message: "Retrying attempt #1 at 9:00AM." }),
    "tried again at 2026-11-29T09:00:02Z (attempt 1)",
  ],
  [
    "a retry that has begun",
    retried(1, declared, { message: "Retrying operation. Attempt #1" }),
    "Retrying operation. Attempt #1",
  ],
  [
    "the last failure",
    retried(5, declared, { message: `${failed} (retried 5 times).` }),
    `${failed} (retried 5 times).`,
  ],
  ["no operation", { metadata: { name: "link" } }, undefined],
])("with %s", (_what, application, message) => expect(syncMessage(application)).toBe(message));

test("it is what the status of an Application says", () => {
  expect(applicationStatus(retried(2, declared), "").message).toBe(
    `tried again at 2026-11-29T09:00:04Z (attempt 2): ${failed}`,
  );
});
