import { expect, test } from "vitest";
import { readRolloutAnalysis, rolloutAnalysis } from "../../../../cli/verification/rollout-analysis.ts";
import type { KubernetesClient } from "../../../../kubernetes/client.ts";
import { recordedJudgmentSchema } from "../../../../git/recorded-judgment.ts";
import { abortedRollout, analysisRun } from "../../../support/sample-rollout.ts";

const rollout = abortedRollout(`sha256:${"1".repeat(64)}`, "2026-01-01T10:02:00Z");
const measured = (phase: string, value: string) => ({ phase, value });
const fine = { name: "slow", phase: "Successful", measurements: [measured("Successful", "[0.01]")] };
const errors = (phase: string, ...measurements: { phase: string; value?: string }[]) => ({
  name: "errors",
  phase,
  measurements,
});

test("a metric that has ended a rollout is named with its value and its limit, and the others count as they are", () => {
  const run = analysisRun([errors("Failed", measured("Successful", "[0.02]"), measured("Failed", "[0.2]")), fine]);
  const found = rolloutAnalysis(rollout, [run]);
  expect(found).toEqual({
    failed: true,
    detail: "errors: 0.2 in place of at most 0.05, in 1 of 2 measurements",
    judgment: {
      verdict: "fail",
      score: 0,
      pass: 100,
      marginal: 100,
      groups: [{ group: "canary", score: 50, weight: 100 }],
      metrics: [
        { metric: "errors", group: "canary", classification: "high", critical: true },
        { metric: "slow", group: "canary", classification: "pass", critical: false },
      ],
    },
  });
  expect(recordedJudgmentSchema.parse(found?.judgment)).toEqual(found?.judgment);
});

test("of one that went through, all metrics are named", () => {
  const run = analysisRun([errors("Running", measured("Successful", "[0.02]"), measured("Successful", "0.03")), fine]);
  expect(rolloutAnalysis(rollout, [run])).toMatchObject({
    failed: false,
    detail: "errors: 0.03, at most 0.05 (measured 2 times); slow: 0.01, at most 0.05 (measured once)",
    judgment: { verdict: "pass", score: 100, groups: [{ group: "canary", score: 100, weight: 100 }] },
  });
});

test("those before and after a switch are two groups", () => {
  const before = analysisRun([fine], { "rollout-type": "PrePromotion" }, { name: "link-abc-2-pre" });
  const later = { name: "link-abc-2-post", creationTimestamp: "2026-01-01T10:03:00Z" };
  const after = analysisRun(
    [errors("Failed", measured("Failed", "[0.2]"))],
    { "rollout-type": "PostPromotion" },
    later,
  );
  expect(rolloutAnalysis(rollout, [after, before])?.judgment?.groups).toEqual([
    { group: "before the switch", score: 100, weight: 50 },
    { group: "after the switch", score: 0, weight: 50 },
  ]);
});

const least = "len(result) == 1 && !isNaN(result[0]) && !isInf(result[0]) && result[0] >= 0.95 && result[0] <= 1e+06";
test.each([
  ["below the least", "[0.5]", least, "0.5 in place of at least 0.95 and at most 1000000", "low"],
  ["above the most", "[2000000]", least, "2000000 in place of at least 0.95 and at most 1000000", "high"],
  ["no value", "[]", least, "no value in place of at least 0.95 and at most 1000000", "missing"],
  ["no number", "[NaN]", least, "no value in place of at least 0.95 and at most 1000000", "missing"],
])("%s", (_what, value, successCondition, text, classification) => {
  const run = analysisRun([{ ...errors("Failed", measured("Failed", value)), successCondition }]);
  const found = rolloutAnalysis(rollout, [run]);
  expect(found?.detail).toBe(`errors: ${text}, in 1 of 1 measurements`);
  expect(found?.judgment?.metrics).toMatchObject([{ classification }]);
});

test("a condition that somebody else has written is shown as it is, and makes no scores", () => {
  const run = analysisRun([{ ...errors("Failed", measured("Failed", "7")), successCondition: "result < 5" }]);
  expect(rolloutAnalysis(rollout, [run])).toEqual({
    failed: true,
    detail: "errors: 7 in place of result < 5, in 1 of 1 measurements",
    judgment: undefined,
  });
});

test("a server that does not answer is no value, and nothing that it says is repeated", () => {
  const refused = { phase: "Error", message: "Post http://prometheus: refused" };
  expect(rolloutAnalysis(rollout, [analysisRun([errors("Error", refused, refused, refused)])])).toMatchObject({
    failed: true,
    detail: "errors could not be measured, 3 times in a row",
    judgment: { metrics: [{ metric: "errors", classification: "missing", critical: true }] },
  });
});

test.each([
  ["another image", { labels: { "rollouts-pod-template-hash": "old" } }],
  ["an earlier attempt", { annotations: { "rollout.argoproj.io/revision": "1" } }],
  ["another Rollout", { ownerReferences: [{ kind: "Rollout", uid: "u-2" }] }],
])("what was measured of %s does not count", (_what, metadata) => {
  expect(rolloutAnalysis(rollout, [analysisRun([fine], {}, metadata)])).toBeUndefined();
});

test("of several runs, the newest counts; one that has measured nothing yet says nothing", () => {
  const bad = analysisRun([errors("Failed", measured("Failed", "[0.2]"))]);
  const later = analysisRun([errors("Successful", measured("Successful", "[0]"))], undefined, {
    name: "link-abc-2.1",
    creationTimestamp: "2026-01-01T10:05:00Z",
  });
  expect(rolloutAnalysis(rollout, [later, bad])).toMatchObject({ failed: false });
  expect(rolloutAnalysis(rollout, [analysisRun([errors("Running")])])).toBeUndefined();
});

test("nobody is asked about an image that the controller has not seen yet: its status tells of the one before", async () => {
  const asked: string[] = [];
  const client: Pick<KubernetesClient, "request"> = {
    request: async (_method, path) => {
      asked.push(path);
      return { items: [analysisRun([fine])] };
    },
  };
  const read = (generation: number) =>
    readRolloutAnalysis(
      client,
      "shop-dev",
      { ...rollout, kind: "Rollout", metadata: { ...Object(rollout["metadata"]), generation } },
      new AbortController().signal,
    );
  expect(await read(3)).toBeUndefined();
  expect(asked).toEqual([]);
  expect(await read(2)).toMatchObject({ failed: false });
});
