import { z } from "zod";
import { jsonOrText } from "../core/json.ts";

const share = z.number("Must be a number").min(0, "Must be at least 0").max(100, "Must be at most 100");
const name = z.string().min(1, "Must be a name").max(200, "Must have at most 200 characters");

/** What a canary's metrics came to, as a release record keeps it beside the verdict; scores are of 100. */
export const recordedJudgmentSchema = z.strictObject({
  verdict: z.enum(["pass", "marginal", "fail"], "Must be pass, marginal or fail"),
  score: share,
  /** The scores from which it passes, and from which it is marginal. */
  pass: share,
  marginal: share,
  /** A weight is the group's share of the score, in percent. */
  groups: z.array(z.strictObject({ group: name, score: share, weight: share })),
  metrics: z.array(
    z.strictObject({
      metric: name,
      group: name,
      /** As `delivery judge` says it. */
      classification: z.enum(["pass", "high", "low", "missing", "no-data"]),
      /** Whether it has ended the judgment, whatever the others say. */
      critical: z.boolean("Must be true or false"),
    }),
  ),
});
export type RecordedJudgment = z.infer<typeof recordedJudgmentSchema>;

/** The same as the text of an annotation. */
export const judgmentTextSchema = z.string().transform((text, context): RecordedJudgment => {
  const parsed = recordedJudgmentSchema.safeParse(jsonOrText(text));
  if (parsed.success) return parsed.data;
  context.addIssue({ code: "custom", message: "Must be the JSON of a judgment, as `delivery verify` writes it" });
  return z.NEVER;
});
