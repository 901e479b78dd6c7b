import { judgmentSchema, type JudgmentSettings } from "../../cli/judgment/settings.ts";

/** Settings as a file has them, with what is left out as its default. */
export function judgmentSettings(metrics: object, more: object = {}): JudgmentSettings {
  return judgmentSchema.parse({ prometheus: "http://127.0.0.1:9090", metrics, ...more });
}

/** Values around a middle, the same each time: enough of them to tell. */
export function around(middle: number, spread = middle / 10, count = 30): number[] {
  return Array.from({ length: count }, (_, index) => middle + spread * Math.sin(index * 7));
}
