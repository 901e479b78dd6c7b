/** How large a difference is, in ways that need no unit. */
export const effectMeasures = ["meanRatio", "cles"] as const;
export type EffectMeasure = (typeof effectMeasures)[number];

/** What each measure says where nothing differs. */
export const noEffect: Readonly<Record<EffectMeasure, number>> = { meanRatio: 1, cles: 0.5 };

/** @returns `undefined` where the measure says nothing */
export function effectSize(
  measure: EffectMeasure,
  canary: readonly number[],
  baseline: readonly number[],
): number | undefined {
  return measure === "cles" ? cles(canary, baseline) : meanRatio(canary, baseline);
}

/** The canary's mean as a multiple of the baseline's. @returns `undefined` unless both are above zero: else it is no multiple */
export function meanRatio(canary: readonly number[], baseline: readonly number[]): number | undefined {
  const [one, other] = [mean(canary), mean(baseline)];
  return one > 0 && other > 0 ? one / other : undefined;
}

/**
 * The common language effect size: the probability that a value of the canary is above one of the baseline; equal ones count half.
 * Source: Vargha and Delaney, Journal of Educational and Behavioral Statistics 25(2), 2000.
 */
export function cles(canary: readonly number[], baseline: readonly number[]): number {
  let above = 0;
  for (const value of canary) for (const other of baseline) above += value > other ? 1 : value === other ? 0.5 : 0;
  return above / (canary.length * baseline.length);
}

/** @returns `NaN` of no values */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
