import { cles, effectSize, mean, meanRatio } from "./effect-size.ts";
import { mannWhitney, quantile98, type Shift } from "./mann-whitney.ts";
import { thresholds, type JudgmentSettings, type Measured, type MetricSettings } from "./settings.ts";

/**
 * `pass`: no difference that counts; `high`, `low`: the canary's values are; `missing`: too few values, which is a failure;
 * `no-data`: too few values, which is to be ignored.
 */
export type Classification = "pass" | "high" | "low" | "missing" | "no-data";

export interface MetricJudgment {
  readonly metric: string;
  readonly group: string;
  readonly classification: Classification;
  /** Whether it ends the judgment, whatever the others say. */
  readonly critical: boolean;
  /** How many values there are of each. */
  readonly counts: Readonly<Record<"canary" | "baseline", number>>;
  /** The means; `null` without values. */
  readonly canary: number | null;
  readonly baseline: number | null;
  /** The canary's mean as a multiple; `null` where it is none. */
  readonly ratio: number | null;
  /** How probably a value of the canary is above one of the baseline; `null` without values. */
  readonly probability: number | null;
}

/** `marginal`: not good enough to go all the way, and not bad enough to stop. */
export type Verdict = "pass" | "marginal" | "fail";

export interface Judgment {
  readonly verdict: Verdict;
  /** Of 100. */
  readonly score: number;
  /** Why the score is 0 whatever the groups have; `null`: it is theirs. */
  readonly reason: string | null;
  readonly groups: readonly { readonly group: string; readonly score: number; readonly weight: number }[];
  readonly metrics: readonly MetricJudgment[];
}

/**
 * Judges a canary by its values beside those of a baseline, as Kayenta's NetflixACAJudge-v1.0 does: a metric has changed where
 * the whole confidence interval of the shift lies beyond a quarter of the estimated shift, and the effect is as large as asked for.
 */
export function judge(settings: JudgmentSettings, measured: Measured): Judgment {
  const metrics = Object.entries(settings.metrics).map(([metric, metricSettings]) =>
    judgeMetric(metric, metricSettings, measured.metrics[metric] ?? { canary: [], baseline: [] }),
  );
  const groups = groupScores(metrics, settings.groups);
  const reason = stopReason(metrics);
  const total = groups.reduce((sum, { score, weight }) => sum + (score * weight) / 100, 0);
  const score = reason === null ? Math.round(total * 100) / 100 : 0;
  const verdict =
    reason !== null ? "fail" : score >= settings.pass ? "pass" : score >= settings.marginal ? "marginal" : "fail";
  return { verdict, score, reason, groups, metrics };
}

function judgeMetric(metric: string, settings: MetricSettings, measured: Measured["metrics"][string]): MetricJudgment {
  const { group = metric, critical, missing } = settings;
  const canary = known(measured.canary, missing === "zero");
  const baseline = known(measured.baseline, missing === "zero");
  const tells = covers(canary, measured.canary) && covers(baseline, measured.baseline);
  const { classification, ends } = classify(settings, tells ? canary : [], tells ? baseline : []);
  return {
    metric,
    group,
    classification,
    critical: critical && ends,
    counts: { canary: canary.length, baseline: baseline.length },
    ...statistics(canary, baseline),
  };
}

function known(values: readonly (number | null)[], zero: boolean): number[] {
  return values.flatMap((value) => (value === null ? (zero ? [0] : []) : [value]));
}

/** Pods that crash have values now and then: those of less than half of the time say nothing. */
function covers(values: readonly number[], steps: readonly unknown[]): boolean {
  return values.length * 2 >= steps.length;
}

function statistics(canary: readonly number[], baseline: readonly number[]) {
  const some = canary.length > 0 && baseline.length > 0;
  return {
    canary: canary.length > 0 ? mean(canary) : null,
    baseline: baseline.length > 0 ? mean(baseline) : null,
    ratio: some ? (meanRatio(canary, baseline) ?? null) : null,
    probability: some ? cles(canary, baseline) : null,
  };
}

/** How much of the estimated shift the interval must lie beyond. Source: as `quantile98`. */
const tolerance = 0.25;

/** @param test the test's parameters. @default those that Kayenta's judge has fixed */
export function classify(
  { direction, missing, effect }: Pick<MetricSettings, "direction" | "missing" | "effect">,
  canary: readonly number[],
  baseline: readonly number[],
  test: { readonly quantile: number; readonly tolerance: number } = { quantile: quantile98, tolerance },
): {
  readonly classification: Classification;
  /** Whether a critical metric ends the judgment. */ readonly ends: boolean;
} {
  const shift = mannWhitney(canary, baseline, test.quantile);
  if (shift === undefined)
    return missing === "ignore"
      ? { classification: "no-data", ends: false }
      : { classification: "missing", ends: true };
  const side = sideOf(shift, test);
  if (side === undefined || direction === (side === "high" ? "decrease" : "increase"))
    return { classification: "pass", ends: false };
  const size = effectSize(effect.measure, canary, baseline);
  const { increase, decrease, criticalIncrease, criticalDecrease } = thresholds(effect);
  // What cannot be measured does not excuse a difference.
  const reaches = (up: number, down: number): boolean =>
    size === undefined || (side === "high" ? size >= up : size <= down);
  if (!reaches(increase, decrease)) return { classification: "pass", ends: false };
  return { classification: side, ends: reaches(criticalIncrease, criticalDecrease) };
}

/**
 * Where most values of both are equal, e.g. zero errors, both the estimate and the interval's end are no shift, though there may
 * be a clear difference in how many are not: the statistic alone tells then.
 */
function sideOf(
  { estimate, lower, upper, z }: Shift,
  test: { readonly quantile: number; readonly tolerance: number },
): "high" | "low" | undefined {
  const bound = test.tolerance * Math.abs(estimate);
  if (lower > bound || (estimate === 0 && lower === 0 && z > test.quantile)) return "high";
  return upper < -bound || (estimate === 0 && upper === 0 && z < -test.quantile) ? "low" : undefined;
}

/** A group without any data counts nothing, and the others as much more. */
function groupScores(metrics: readonly MetricJudgment[], weights: JudgmentSettings["groups"]): Judgment["groups"] {
  const all = Map.groupBy(metrics, ({ group }) => group);
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  const rest = [...all.keys()].filter((group) => !Object.hasOwn(weights, group));
  const scored = [...all].flatMap(([group, some]) => {
    const counted = some.filter(({ classification }) => classification !== "no-data");
    const passed = counted.filter(({ classification }) => classification === "pass");
    const weight = weights[group] ?? (100 - sum) / rest.length;
    return counted.length === 0 ? [] : [{ group, score: (100 * passed.length) / counted.length, weight }];
  });
  const present = scored.reduce((total, { weight }) => total + weight, 0);
  // Divided by itself, a weight may come to a trifle more than the whole, which no record takes.
  return scored.map((group) => ({ ...group, weight: Math.min(100, (100 * group.weight) / present) }));
}

/** With half of the metrics ignored for want of data, the rest says too little. */
function stopReason(metrics: readonly MetricJudgment[]): string | null {
  const critical = metrics.filter((metric) => metric.critical);
  if (critical.length > 0)
    return `critical: ${critical.map(({ metric, classification }) => `${metric} is ${classification}`).join(", ")}`;
  const without = metrics.filter(({ classification }) => classification === "no-data");
  return without.length * 2 >= metrics.length
    ? `${without.length} of ${metrics.length} metrics have no data: ${without.map(({ metric }) => metric).join(", ")}`
    : null;
}
