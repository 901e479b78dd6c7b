import { readFileSync } from "node:fs";
import { z } from "zod";
import { errorMessage } from "../../core/error.ts";
import { nonEmpty, problemLine, schemaProblems } from "../../core/problem.ts";
import { parseSettings } from "../../core/yaml.ts";
import { CommandError } from "../command.ts";
import { effectMeasures, noEffect, type EffectMeasure } from "./effect-size.ts";

const name = z.string().regex(/^[A-Za-z][\w.-]{0,62}$/, "Must begin with a letter, of letters, digits and _.-");

/** Text that stands in for `${name}` in queries; a quote would end the text in the query around it. */
const scopeValue = z.string().regex(/^[^"'`\n]+$/, "Must be text without quotes");
const scope = z.record(name, scopeValue);

const effectSchema = z.strictObject({
  /** `meanRatio`: the canary's mean as a multiple of the baseline's; `cles`: how probably a value of it is above one of the baseline. @default meanRatio */
  measure: z.enum(effectMeasures).default("meanRatio"),
  /** From where on a value that is higher counts. @default any */
  increase: z.number().positive().optional(),
  /** From where down a value that is lower counts. @default any */
  decrease: z.number().min(0).optional(),
  /** From where on it ends the judgment, of a critical metric. @default where it counts */
  criticalIncrease: z.number().positive().optional(),
  criticalDecrease: z.number().min(0).optional(),
});

const metricSchema = z
  .strictObject({
    /** In PromQL; it must give one series. `${name}` stands for what the scopes say. */
    query: nonEmpty("a query in PromQL that gives one series"),
    /** What it is scored with. @default a group of its own name */
    group: name.optional(),
    /** What is bad: that the canary's values are higher, lower, or either. */
    direction: z.enum(["increase", "decrease", "either"]),
    /** Whether the canary has failed if this metric has. @default false */
    critical: z.boolean().default(false),
    /** What it means that there are no values, or too few to tell: `fail`, `ignore`, or that each one is `zero`. @default fail */
    missing: z.enum(["fail", "ignore", "zero"]).default("fail"),
    effect: effectSchema.prefault({}),
  })
  .superRefine(({ direction, critical, effect }, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: "custom", path: ["effect", key], message, input: effect });
    const none = noEffect[effect.measure];
    for (const key of effectKeys) {
      const value = effect[key];
      if (value === undefined) continue;
      const rises = key === "increase" || key === "criticalIncrease";
      if (direction === (rises ? "decrease" : "increase"))
        refuse(key, `Does nothing where direction is ${direction}; remove it`);
      if (key.startsWith("critical") && !critical) refuse(key, "Does nothing unless critical is true; set that, too");
      if (rises ? value < none : value > none)
        refuse(key, `Must be at ${rises ? "least" : "most"} ${none}, which is no difference by ${effect.measure}`);
      if (effect.measure === "cles" && value > 1) refuse(key, "Must be at most 1: it is a probability");
    }
  });

const effectKeys = ["increase", "decrease", "criticalIncrease", "criticalDecrease"] as const;

/** One value per step; `null`: there was none. */
const values = z.array(z.number().nullable());

const measuredSchema = z.strictObject({
  /** The moments of the first and the last value. */
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  metrics: z.record(name, z.strictObject({ canary: values, baseline: values })),
});

/** What a canary is judged by; with `measured`, also the values, so that the same judgment can be made again. */
export const judgmentSchema = z
  .strictObject({
    /** A server with Prometheus' HTTP API. */
    prometheus: z
      .url({ protocol: /^https?$/, error: "Must be a URL with http or https" })
      .refine((url) => !URL.canParse(url) || new URL(url).username === "", "Must hold no login; see --help")
      .optional(),
    /** How long the values go back. @default 10 */
    minutes: z.number().positive().max(1440).default(10),
    /** Seconds between two values. @default 10 */
    step: z.int().min(1).max(3600).default(10),
    /** The score, of 100, from which on the canary passes. @default 95 */
    pass: z.number().positive().max(100).default(95),
    /** The score from which on it is not yet bad enough to stop. @default 75 */
    marginal: z.number().min(0).max(100).default(75),
    /** How much of the score, of 100, a group of metrics counts. @default what is left, in equal parts */
    groups: z.record(name, z.number().positive().max(100)).default({}),
    /** What `${name}` in queries means for the one and for the other. */
    scopes: z.strictObject({ canary: scope.default({}), baseline: scope.default({}) }).prefault({}),
    metrics: z
      .record(name, metricSchema)
      .refine((metrics) => Object.keys(metrics).length > 0, "Names no metric; name one"),
    measured: measuredSchema.optional(),
  })
  .superRefine(({ minutes, step, pass, marginal, groups, metrics, measured, prometheus }, context) => {
    const refuse = (path: string[], message: string, input: unknown): void =>
      context.addIssue({ code: "custom", path, message, input });
    if (marginal > pass)
      refuse(["marginal"], `Is above pass, ${pass}; a canary that passes is no marginal one`, marginal);
    if ((minutes * 60) / step > mostValues)
      refuse(["step"], `Makes more than ${mostValues} values of ${minutes} minutes; take a longer one`, step);
    const used = new Set(Object.entries(metrics).map(([metric, { group = metric }]) => group));
    for (const [group, weight] of Object.entries(groups))
      if (!used.has(group))
        refuse(["groups", group], "No metric is of this group; the score could never be 100", weight);
    const sum = Object.values(groups).reduce((total, weight) => total + weight, 0);
    const rest = [...used].filter((group) => !Object.hasOwn(groups, group));
    if (used.size > 0 && (rest.length === 0 ? Math.abs(sum - 100) > 1e-9 : sum >= 100))
      refuse(
        ["groups"],
        rest.length === 0
          ? `Sum up to ${sum}; make it 100`
          : `Sum up to ${sum}, which leaves nothing of 100 for ${rest.join(", ")}`,
        groups,
      );
    if (measured === undefined && prometheus === undefined)
      refuse(["prometheus"], "Set it to the URL of a server with Prometheus' API", undefined);
    for (const metric of measured === undefined ? [] : Object.keys(metrics))
      if (!Object.hasOwn(measured?.metrics ?? {}, metric))
        refuse(["measured", "metrics", metric], "Set it to the values of this metric", undefined);
  });

export type JudgmentSettings = z.infer<typeof judgmentSchema>;
export type MetricSettings = JudgmentSettings["metrics"][string];
export type Measured = z.infer<typeof measuredSchema>;

/** The differences of all pairs are sorted. */
const mostValues = 2_000;

/** From where on a metric's change counts, and from where on it ends the judgment. */
export function thresholds(effect: MetricSettings["effect"]): Record<(typeof effectKeys)[number], number> {
  const none = noEffect[effect.measure satisfies EffectMeasure];
  const { increase = none, decrease = none } = effect;
  const { criticalIncrease = increase, criticalDecrease = decrease } = effect;
  return { increase, decrease, criticalIncrease, criticalDecrease };
}

/** @throws CommandError that names all that is wrong in the file */
export function readJudgment(path: string): JudgmentSettings {
  const text = readText(path);
  const parsed = parseSettings(text);
  if ("problem" in parsed) throw new CommandError(`${path} ${parsed.problem}`);
  const result = judgmentSchema.safeParse(parsed.value);
  if (result.success) return result.data;
  throw new CommandError(schemaProblems(path, result.error, parsed.value).map(problemLine).join("\n       "));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError(`${path} cannot be read (${errorMessage(error)}); give the file that says how to judge`, {
      cause: error,
    });
  }
}
