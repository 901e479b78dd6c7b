import { judgmentSchema, type JudgmentSettings } from "../../cli/judgment/settings.ts";
import type { RecordedJudgment } from "../../git/recorded-judgment.ts";

/** Settings as a file has them, with what is left out as its default. */
export function judgmentSettings(metrics: object, more: object = {}): JudgmentSettings {
  return judgmentSchema.parse({ prometheus: "http://127.0.0.1:9090", metrics, ...more });
}

/** Values around a middle, the same each time: enough of them to tell. */
export function around(middle: number, spread = middle / 10, count = 30): number[] {
  return Array.from({ length: count }, (_, index) => middle + spread * Math.sin(index * 7));
}

/** A group of each kind: none of its metrics is good, one of two, and all. */
export const recordedJudgment: RecordedJudgment = {
  verdict: "fail",
  score: 45,
  pass: 95,
  marginal: 75,
  groups: [
    { group: "errors", score: 0, weight: 40 },
    { group: "latency", score: 50, weight: 30 },
    { group: "traffic", score: 100, weight: 30 },
  ],
  metrics: [
    { metric: "errors", group: "errors", classification: "high", critical: false },
    { metric: "slow", group: "latency", classification: "low", critical: false },
    { metric: "slowest", group: "latency", classification: "pass", critical: false },
    { metric: "traffic", group: "traffic", classification: "pass", critical: false },
    { metric: "cache", group: "traffic", classification: "no-data", critical: false },
  ],
};
