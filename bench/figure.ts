/** One measured figure and the most that it may be. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  limit: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function printFigures(figures: readonly Figure[]): void {
  console.log(`\n${"figure".padEnd(60)} ${"measured".padStart(12)} ${"limit".padStart(12)}`);
  for (const { name, value, unit, limit } of figures) {
    const shown = (number: number): string => `${number.toFixed(number < 10 ? 2 : 0)} ${unit}`;
    console.log(
      `${name.padEnd(60)} ${shown(value).padStart(12)} ${shown(limit).padStart(12)}  ${value <= limit ? "holds" : "MISSED"}`,
    );
  }
}
