import { expect, test } from "vitest";
import { schemaProblems } from "../../../../core/problem.ts";
import { judgmentSchema } from "../../../../cli/judgment/settings.ts";

const metric = { query: "sum(x)", direction: "increase" };

function problems(settings: object): string[] {
  const input = { prometheus: "http://metrics:9090", metrics: { errors: metric }, ...settings };
  const result = judgmentSchema.safeParse(input);
  return result.success
    ? []
    : schemaProblems("F", result.error, input).map(({ location, message }) => `${location}: ${message}`);
}

const withMetric = (more: object): object => ({ metrics: { errors: { ...metric, ...more } } });

test.each<[name: string, settings: object, problem: RegExp]>([
  ["no metric", { metrics: {} }, /^F: metrics: .*names no metric/],
  ["no server", { prometheus: undefined }, /^F: prometheus: missing; set it to the URL/],
  ["another kind of URL", { prometheus: "metrics:9090" }, /must be a URL with http or https/],
  ["a login in the URL", { prometheus: "http://me:secret@metrics:9090" }, /must hold no login/],
  [
    "an effect the other way",
    withMetric({ effect: { decrease: 0.5 } }),
    /effect\.decrease: .*does nothing where direction is increase/,
  ],
  [
    "an effect that is none",
    withMetric({ effect: { increase: 0.9 } }),
    /effect\.increase: .*must be at least 1, which is no difference by meanRatio/,
  ],
  ["a probability above 1", withMetric({ effect: { measure: "cles", increase: 1.2 } }), /it is a probability/],
  [
    "critical effect of no critical metric",
    withMetric({ effect: { criticalIncrease: 2 } }),
    /does nothing unless critical is true/,
  ],
  ["a group that nobody is in", { groups: { erors: 50 } }, /groups\.erors: 50: no metric is of this group/],
  ["all groups, not 100", { groups: { errors: 60 } }, /^F: groups: .*sum up to 60; make it 100/],
  [
    "nothing left",
    { groups: { errors: 100 }, metrics: { errors: metric, cpu: metric } },
    /leaves nothing of 100 for cpu/,
  ],
  ["marginal above pass", { pass: 80, marginal: 90 }, /^F: marginal: 90: is above pass, 80/],
  ["anything passes", { pass: 0, marginal: 0 }, /^F: pass: 0: must be/],
  ["more values than can be compared", { minutes: 1440, step: 1 }, /^F: step: 1: makes more than 2000 values/],
  [
    "a quote in a scope",
    { scopes: { canary: { pods: 'a"} or vector(0) or {a="' } } },
    /scopes\.canary\.pods: .*text without quotes/,
  ],
  [
    "measured without a metric",
    { measured: { from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:10:00Z", metrics: {} } },
    /measured\.metrics\.errors: missing; set it to the values/,
  ],
])("refuses %s", (_, settings, problem) => expect(problems(settings)).toEqual([expect.stringMatching(problem)]));

test("what the docs show is taken", () =>
  expect(
    problems({
      groups: { errors: 60, latency: 40 },
      metrics: {
        errors: { ...metric, critical: true, missing: "zero", effect: { increase: 1.2, criticalIncrease: 2 } },
        slow: { ...metric, group: "latency", effect: { measure: "cles", increase: 0.7 } },
      },
    }),
  ).toEqual([]));
