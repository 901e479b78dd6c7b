import { describe, expect, test } from "vitest";
import { cles, effectSize } from "../../../../cli/judgment/effect-size.ts";
import { classify, judge, type Judgment } from "../../../../cli/judgment/judge.ts";
import kayenta from "../../../support/kayenta-cases.json" with { type: "json" };
import { around, judgmentSettings } from "../../../support/sample-judgment.ts";

const quantiles: Readonly<Record<number, number>> = { 0.95: 1.959963984540054, 0.98: 2.326347874040841 };

test.each(kayenta.classifications)("as Kayenta: $name", (given) => {
  const { canary, baseline, confidence, tolerance, effect = [], criticalEffect = [] } = given;
  // It takes more than a schema lets through, such as a lower bound above no effect.
  const settings = {
    direction: given.direction as "increase" | "decrease" | "either",
    missing: "fail" as const,
    effect: {
      measure: given.measure as "meanRatio" | "cles",
      decrease: effect[0],
      increase: effect[1],
      criticalDecrease: criticalEffect[0],
      criticalIncrease: criticalEffect[1],
    },
  };
  const parameters = { quantile: quantiles[confidence] ?? NaN, tolerance };
  const { classification, ends } = classify(settings, canary, baseline, parameters);
  expect(classification).toBe(given.classification);
  if (given.critical) expect(ends).toBe(given.ends);
});

describe("effect sizes", () => {
  test("the probability that a value is above one of the other, ties counting half", () => {
    expect(cles([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])).toBe(0.5);
    expect(cles([1, 2], [10, 20])).toBe(0);
    expect(cles([2], [1, 2])).toBe(0.75);
  });

  test.each([
    [
      [0, 0],
      [1, 1],
    ],
    [
      [1, 1],
      [0, 0],
    ],
    [
      [-1, -1],
      [-2, -2],
    ],
  ])("a mean that is not above zero is no multiple: %j of %j", (canary, baseline) =>
    expect(effectSize("meanRatio", canary, baseline)).toBeUndefined(),
  );
});

const good = { canary: around(10), baseline: around(10.1) };
const high = { canary: around(20), baseline: around(10) };
const few = { canary: around(10, 1, 4), baseline: around(10, 1, 4) };
const gaps = { canary: around(10).map((value, index) => (index % 3 === 0 ? value : null)), baseline: around(10) };
const none = { canary: [null, null], baseline: [null, null] };

function judged(
  metrics: Readonly<Record<string, object>>,
  values: Readonly<Record<string, object>>,
  more = {},
): Judgment {
  const settings = judgmentSettings(
    Object.fromEntries(
      Object.entries(metrics).map(([name, metric]) => [name, { query: "q", direction: "increase", ...metric }]),
    ),
    { measured: { from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:10:00Z", metrics: values }, ...more },
  );
  return judge(settings, settings.measured ?? { from: "", to: "", metrics: {} });
}

describe("the score", () => {
  test("a canary like its baseline has all points", () =>
    expect(judged({ latency: {} }, { latency: good })).toMatchObject({ verdict: "pass", score: 100, reason: null }));

  test("twice the latency fails", () =>
    expect(judged({ latency: {} }, { latency: high })).toMatchObject({ verdict: "fail", score: 0, reason: null }));

  test("what is asked for is an effect: twice is none of three times", () =>
    expect(judged({ latency: { effect: { increase: 3 } } }, { latency: high }).verdict).toBe("pass"));

  test("groups count as much as they weigh, those without a weight what is left", () => {
    const metrics = { errors: { group: "bad" }, slow: { group: "slow" }, cpu: { group: "rest" } };
    const judgment = judged(metrics, { errors: good, slow: good, cpu: high }, { groups: { bad: 60 } });
    expect(judgment).toMatchObject({ verdict: "marginal", score: 80 });
    expect(judgment.groups.map(({ group, weight }) => [group, weight])).toEqual([
      ["bad", 60],
      ["slow", 20],
      ["rest", 20],
    ]);
  });

  test("of a group, the share of its metrics that pass counts", () =>
    expect(judged({ a: { group: "g" }, b: { group: "g" } }, { a: good, b: high }).score).toBe(50));

  test("a critical metric ends it, whatever the others say", () => {
    const metrics = { errors: { critical: true, group: "small" }, latency: {} };
    const judgment = judged(metrics, { errors: high, latency: good }, { groups: { small: 1 } });
    expect(judgment).toMatchObject({ verdict: "fail", score: 0, reason: "critical: errors is high" });
  });

  test("a critical metric below its critical effect counts as any other", () => {
    const metrics = { errors: { critical: true, effect: { criticalIncrease: 3 } }, latency: {} };
    expect(judged(metrics, { errors: high, latency: good })).toMatchObject({ score: 50, reason: null });
  });
});

describe("missing values", () => {
  test.each([
    ["none", none],
    ["too few", few],
    ["in a third of the steps", gaps],
  ])("%s: a failure", (_, values) => {
    expect(judged({ errors: {} }, { errors: values })).toMatchObject({
      verdict: "fail",
      metrics: [{ classification: "missing" }],
    });
    expect(judged({ errors: { critical: true }, a: {}, b: {} }, { errors: values, a: good, b: good })).toMatchObject({
      score: 0,
      reason: "critical: errors is missing",
    });
  });

  test("ignored, its group counts nothing and the others as much more", () => {
    const metrics = { errors: { missing: "ignore" }, a: {}, b: {} };
    const judgment = judged(metrics, { errors: none, a: good, b: good }, { groups: { errors: 60 } });
    expect(judgment).toMatchObject({ verdict: "pass", score: 100 });
    expect(judgment.groups).toEqual([
      { group: "a", score: 100, weight: 50 },
      { group: "b", score: 100, weight: 50 },
    ]);
  });

  test("a group that is left alone has all of the weight, and no more", () => {
    const ignored = { missing: "ignore" };
    const metrics = {
      a: {},
      b: ignored,
      c: ignored,
      d: ignored,
      e: { group: "a" },
      f: { group: "a" },
      g: { group: "a" },
    };
    const values = { a: good, b: none, c: none, d: none, e: good, f: good, g: good };
    expect(judged(metrics, values, { groups: { b: 14.2 } }).groups).toEqual([{ group: "a", score: 100, weight: 100 }]);
  });

  test("ignored for half of the metrics, nothing can be said", () =>
    expect(judged({ errors: { missing: "ignore" }, a: {} }, { errors: none, a: good })).toMatchObject({
      verdict: "fail",
      reason: "1 of 2 metrics have no data: errors",
    }));

  test("taken for zero, errors that only the canary has show", () => {
    const silent = Array.from({ length: 30 }, () => null);
    const values = { errors: { canary: around(2), baseline: silent } };
    expect(judged({ errors: { missing: "zero" } }, values).metrics).toMatchObject([
      { classification: "high", baseline: 0, ratio: null, probability: 1 },
    ]);
  });
});

test("errors in 5 % of the steps do not show, in 40 % do, though most values are zero in both", () => {
  const errors = (share: number): number[] =>
    Array.from({ length: 60 }, (_, index) => (index % 20 < share * 20 ? 1 : 0));
  const verdict = (share: number): string =>
    judged({ e: {} }, { e: { canary: errors(share), baseline: errors(0) } }).verdict;
  expect([verdict(0), verdict(0.05), verdict(0.4)]).toEqual(["pass", "pass", "fail"]);
});
