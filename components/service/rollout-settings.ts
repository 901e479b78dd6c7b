import { z } from "zod";

const durationHint = "Must be a time such as 30s, 5m or 1h";
const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const longest = 7 * 24 * 3600;

/** A time with its unit: without one, Argo Rollouts takes the same number for another text, and starts its steps again. */
const durationSchema = z
  .string(durationHint)
  .regex(/^[1-9]\d{0,6}[smh]$/, durationHint)
  .refine((text) => secondsOf(text) <= longest, "Is more than a week");

const stepSchema = z.strictObject({
  /** Of all pods, in percent: so many are new ones; with a router, of the requests that come by it. */
  weight: z
    .int("Must be a whole number, in percent")
    .min(1, "Must be at least 1")
    .max(99, "Must be at most 99: after the last step all pods are new ones"),
  /** How long it stays so. @default until these pods are ready */
  pause: durationSchema.optional(),
});

const limit = z.number("Must be a number").refine(Number.isFinite, "Must be a number");

const metricSchema = z
  .strictObject({
    /** In PromQL, of one value. `${pods}` stands for an expression of the names of the new pods, as in `pod=~"${pods}"`. */
    query: z
      .string("Must be a query in PromQL")
      .min(1, "Must be a query in PromQL")
      .refine((query) => !query.includes("{{"), "Must not have {{, which Argo Rollouts would fill in")
      .refine(
        (query) => [...query.matchAll(/\$\{([^}]*)\}/g)].every(([, name]) => name === "pods"),
        "Names something that is not known; there is ${pods}",
      ),
    /** The least that is good. */
    min: limit.optional(),
    /** The most that is good. */
    max: limit.optional(),
    /** How many measurements may be bad. @default 0 */
    failures: z.int("Must be a whole number").min(0, "Must not be negative").optional(),
  })
  .refine(({ min, max }) => min !== undefined || max !== undefined, "Says nothing of what is good; set min or max")
  .refine(({ min = -Infinity, max = Infinity }) => min <= max, "Has a min above max, which no value satisfies");

const analysisShape = {
  /** A server with Prometheus' HTTP API, as the cluster reaches it. */
  prometheus: z
    .url({ protocol: /^https?$/, error: "Must be a URL with http or https" })
    .refine((url) => URL.canParse(url) && new URL(url).username === "", "Must hold no login: manifests are in Git"),
  /** Between two measurements. @default 1m */
  interval: durationSchema.optional(),
  /** Until the first, after the first step's pods were ready: new pods have no values yet. @default as the interval */
  delay: durationSchema.optional(),
  /** By name. A value that is missing, or not a number, is bad. */
  metrics: z
    .record(
      z.string().regex(/^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$/, "Must be lower case letters, digits and '-'"),
      metricSchema,
    )
    .refine((metrics) => Object.keys(metrics).length > 0, "Measures nothing; name a metric, or remove it"),
};

const analysisSchema = z.strictObject(analysisShape);

/** What is measured at one point of a rollout, which waits for the result. */
const promotionAnalysisSchema = z.strictObject({
  ...analysisShape,
  /** How often each metric is measured. */
  count: z.int("Must be a whole number").min(1, "Must be at least 1").max(1000, "Must be at most 1000"),
});

/** New pods beside the others, in steps: a new image gets some of the pods first, and all of them if it does well. */
const canarySchema = z.strictObject({
  strategy: z.literal("canary"),
  /** What splits requests: the Gateway of the stack, those from outside. @default the number of pods */
  router: z.literal("gateway", "Must be gateway: the one of the stack").optional(),
  steps: z.array(stepSchema).min(1, "Has no step, and so would do what happens anyway; add one, or remove `rollout`"),
  /** What is measured meanwhile; what is bad ends the rollout, and the pods before come back. @default readiness alone */
  analysis: analysisSchema.optional(),
});

/** As many new pods as there are old ones, and all requests go to the new ones at once. */
const blueGreenSchema = z.strictObject({
  strategy: z.literal("blueGreen"),
  /** How long the new pods wait, ready, until requests go to them; `false`: until somebody says so. @default not at all */
  autoPromotion: z
    .union([z.literal(false), durationSchema], `${durationHint}, or false: somebody says when`)
    .optional(),
  /** What is measured before requests go to the new pods. @default readiness alone */
  prePromotionAnalysis: promotionAnalysisSchema.optional(),
  /** What is measured once they do; what is bad has them go to the pods before again. @default nothing */
  postPromotionAnalysis: promotionAnalysisSchema.optional(),
  /** How long the pods before stay after that, so that going back takes no time. @default 30s */
  scaleDownDelay: durationSchema
    .refine((text) => secondsOf(text) >= 30, "Must be at least 30s: nodes send requests to the pods before for as long")
    .optional(),
});

/** How a new image takes the place of the one before. */
export const rolloutSchema = z.discriminatedUnion(
  "strategy",
  [canarySchema, blueGreenSchema],
  "Must be canary or blueGreen",
);

export type RolloutSettings = z.infer<typeof rolloutSchema>;
export type CanarySettings = z.infer<typeof canarySchema>;
export type BlueGreenSettings = z.infer<typeof blueGreenSchema>;
export type AnalysisSettings = z.infer<typeof analysisSchema>;
export type PromotionAnalysisSettings = z.infer<typeof promotionAnalysisSchema>;

/** @param text such as `5m` */
export function secondsOf(text: string): number {
  return Number(text.slice(0, -1)) * (unitSeconds[text.slice(-1)] ?? 0);
}

/** How long all steps pause. */
export function pausedSeconds({ steps }: Pick<CanarySettings, "steps">): number {
  return steps.reduce((sum, { pause = "0s" }) => sum + secondsOf(pause), 0);
}

/** Whether a Gateway splits a service's requests from outside between the pods of both images. */
export function isRouted(rollout: RolloutSettings | undefined): boolean {
  return rollout?.strategy === "canary" && rollout.router !== undefined;
}

/** How long a rollout takes at least, beyond what the pods need to become ready. */
export function leastSeconds(rollout: RolloutSettings): number {
  if (rollout.strategy === "canary") return pausedSeconds(rollout);
  const { autoPromotion, prePromotionAnalysis, postPromotionAnalysis } = rollout;
  const analyses = [prePromotionAnalysis, postPromotionAnalysis].filter((analysis) => analysis !== undefined);
  const waits = autoPromotion === undefined || autoPromotion === false ? 0 : secondsOf(autoPromotion);
  return analyses.reduce((sum, analysis) => sum + analysisSeconds(analysis), waits);
}

/** How long an analysis takes where every measurement succeeds. */
export function analysisSeconds(analysis: PromotionAnalysisSettings): number {
  const { interval, delay } = measurementTimes(analysis);
  return delay + (analysis.count - 1) * interval;
}

/** How long pods of the image before stay when no requests go to them any more. */
export function keptSeconds(rollout: RolloutSettings): number {
  if (rollout.strategy === "canary") return isRouted(rollout) ? 30 : 0;
  return secondsOf(rollout.scaleDownDelay ?? "30s");
}

/** All that a rollout measures. */
export function analysesOf(rollout: RolloutSettings): readonly AnalysisSettings[] {
  const found =
    rollout.strategy === "canary" ? [rollout.analysis] : [rollout.prePromotionAnalysis, rollout.postPromotionAnalysis];
  return found.filter((analysis) => analysis !== undefined);
}

/** Between two measurements, and before the first, in seconds. */
export function measurementTimes({ interval = "1m", delay = interval }: AnalysisSettings): {
  interval: number;
  delay: number;
} {
  return { interval: secondsOf(interval), delay: secondsOf(delay) };
}
