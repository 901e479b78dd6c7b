import { existsSync, readFileSync, statSync } from "node:fs";
import { jsonOrText } from "../../core/json.ts";
import { problemLine, schemaProblems } from "../../core/problem.ts";
import { recordedJudgmentSchema, type RecordedJudgment } from "../../git/recorded-judgment.ts";
import type { Judgment } from "./judge.ts";
import type { JudgmentSettings } from "./settings.ts";

/** Where `delivery judge` leaves its outcome for whoever has run it: the file of this name, if the environment names one. */
export const judgmentVariable = "DELIVERY_JUDGMENT";

/** What is kept of a judgment: neither values nor queries, which may say more than belongs into Git. */
export function recordedJudgment(
  { verdict, score, groups, metrics }: Judgment,
  { pass, marginal }: Pick<JudgmentSettings, "pass" | "marginal">,
): RecordedJudgment {
  return {
    verdict,
    score,
    pass,
    marginal,
    groups: groups.map(({ group, score: of, weight }) => ({ group, score: of, weight })),
    metrics: metrics.map(({ metric, group, classification, critical }) => ({
      metric,
      group,
      classification,
      critical,
    })),
  };
}

/** Room for some hundred metrics: it becomes a line of a file in Git. */
const mostBytes = 100_000;

/** @returns `undefined`: none was left */
export function readLeftJudgment(path: string): RecordedJudgment | { readonly problem: string } | undefined {
  if (!existsSync(path)) return undefined;
  if (statSync(path).size > mostBytes) return { problem: `more than ${mostBytes} bytes` };
  const value = jsonOrText(readFileSync(path, "utf8"));
  const parsed = recordedJudgmentSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [problem] = schemaProblems(judgmentVariable, parsed.error, value);
  return { problem: problem === undefined ? "not as `delivery judge` writes it" : problemLine(problem) };
}
