const units: readonly (readonly [seconds: number, unit: string])[] = [
  [86_400, "d"],
  [3600, "h"],
  [60, "m"],
];

/** The time between two moments in its largest unit, e.g. `3d`, `2h`, `5m`, `12s`. */
export function ageBetween(from: string, to: string): string {
  // The clock of whoever made the commit may be ahead of ours.
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  const [size, unit] = units.find(([amount]) => seconds >= amount) ?? [1, "s"];
  return `${Math.floor(seconds / size)}${unit}`;
}
