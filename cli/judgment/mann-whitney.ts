/** By how much the values of one sample lie above those of another, by ranks: no value counts for more by being far out. */
export interface Shift {
  /** The Hodges–Lehmann estimate: the median of all differences between a value of the one and a value of the other sample. */
  readonly estimate: number;
  /** The confidence interval of that difference. */
  readonly lower: number;
  readonly upper: number;
  /** The test's statistic for no difference at all, in standard deviations, corrected for ties and continuity. */
  readonly z: number;
}

/**
 * The quantile of the normal distribution at 0.99: a two-sided confidence of 98 %, which Kayenta's judge has fixed.
 * Source: https://github.com/spinnaker/kayenta/blob/master/kayenta-judge, NetflixACAJudge
 */
export const quantile98 = 2.326347874040841;

/**
 * The Mann–Whitney U test with its confidence interval, by the normal approximation, as R's `wilcox.test(exact = FALSE)` and
 * Kayenta have it. Both search the interval's ends with a solver that stops within 0.0001, whatever the unit; here they are
 * those differences between values at which the statistic passes the quantile, so that seconds and nanoseconds give the same.
 * @param sample, against finite values; @param quantile standard deviations
 * @returns `undefined` where there are so few values that no difference, however large, would show
 */
export function mannWhitney(
  sample: readonly number[],
  against: readonly number[],
  quantile = quantile98,
): Shift | undefined {
  const pairs = sample.length * against.length;
  const differences = new Float64Array(pairs);
  sample.forEach((value, row) => {
    for (const [column, other] of against.entries()) differences[row * against.length + column] = value - other;
  });
  differences.sort();
  // Between two differences no value of the one equals a value of the other sample: only ties within each count.
  const deviation = deviationOf(sample.length, against.length, tieTerm(sample) + tieTerm(against));
  const rank = Math.ceil(pairs / 2 - quantile * deviation - 0.5);
  if (rank < 1) return undefined;
  const at = (index: number): number => differences[index] ?? NaN;
  return {
    estimate: (at(Math.floor((pairs - 1) / 2)) + at(Math.floor(pairs / 2))) / 2,
    lower: at(rank - 1),
    upper: at(pairs - rank),
    z: statistic(sample, against, differences),
  };
}

function statistic(sample: readonly number[], against: readonly number[], differences: Float64Array): number {
  const above = differences.reduce((sum, difference) => sum + (difference > 0 ? 1 : difference === 0 ? 0.5 : 0), 0);
  const excess = above - differences.length / 2;
  const deviation = deviationOf(sample.length, against.length, tieTerm([...sample, ...against]));
  return deviation === 0 ? 0 : (excess - Math.sign(excess) / 2) / deviation;
}

/** Of the number of pairs in which the one value is above the other. */
function deviationOf(size: number, other: number, ties: number): number {
  const all = size + other;
  const spread = all + 1 - (all < 2 ? 0 : ties / (all * (all - 1)));
  return Math.sqrt(Math.max(0, ((size * other) / 12) * spread));
}

/** Σ(t³ − t) over the groups of equal values. */
function tieTerm(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => sum + count ** 3 - count, 0);
}
