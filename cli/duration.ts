import { UsageError } from "./command.ts";

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/**
 * A length of time such as `5s`, `2m` or `1h`, in milliseconds.
 * @throws UsageError that names the option
 */
export function duration(option: string, text: string): number {
  const [, amount, unit = "s"] = /^(\d+)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined)
    throw new UsageError(`--${option} ${JSON.stringify(text)}: must be a duration such as 5s, 10m or 1h`);
  // The expression above lets no other unit through.
  return Number(amount) * units[unit as keyof typeof units];
}
