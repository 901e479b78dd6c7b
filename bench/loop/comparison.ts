import { median } from "../figure.ts";
import type { Journey } from "./journey.ts";

/** A duration of a journey that has a name, in seconds. */
type Durations = ReadonlyMap<string, number>;

function durationsOf({ total, build, stages }: Journey): Durations {
  return new Map([
    ["commit → new pods", total],
    ["of it the build", build],
    ["all but the build", total - build],
    ...Object.entries(stages),
  ]);
}

/**
 * How two engines compare, line by line: of each the median and the least and most, and the ratio of the medians, that of the other
 * to the first.
 */
export function comparisonTable(
  [name, journeys]: readonly [string, readonly Journey[]],
  [otherName, others]: readonly [string, readonly Journey[]],
): string[] {
  const ours = journeys.map(durationsOf);
  const theirs = others.map(durationsOf);
  const rows = [...(ours[0]?.keys() ?? [])].map((duration) => {
    const [one, other] = [valuesOf(ours, duration), valuesOf(theirs, duration)];
    return [duration, spread(one), spread(other), `${(median(other) / median(one)).toFixed(1)} ×`];
  });
  const title = ["seconds", name, otherName, `${otherName} / ${name}`];
  const widths = title.map((_, column) => Math.max(...[title, ...rows].map((row) => row[column]?.length ?? 0)));
  return [title, ...rows].map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

function valuesOf(all: readonly Durations[], duration: string): number[] {
  return all.map((durations) => durations.get(duration) ?? Number.NaN);
}

function spread(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`;
}
