import type { KubernetesClient } from "../../kubernetes/client.ts";
import { ApiError, UnreachableError } from "../../kubernetes/errors.ts";
import {
  annotationOf,
  labelsAt,
  listAt,
  nameOf,
  numberAt,
  stringAt,
  type KubernetesObject,
} from "../../kubernetes/object.ts";
import type { RecordedJudgment } from "../../git/recorded-judgment.ts";
import { isObserved } from "../status/workload-status.ts";

/** What the analyses of a Rollout have found of its latest image. */
export interface RolloutAnalysis {
  /** Each metric with what was measured and what is good: of those that have failed, or else of all. */
  readonly detail: string;
  readonly failed: boolean;
  /** @default a metric has failed by a condition that somebody else has written */
  readonly judgment?: RecordedJudgment | undefined;
}

/**
 * Asks for the AnalysisRuns of a Rollout. They say more than it does, and nothing that a verdict needs: where they cannot be read,
 * there is one all the same.
 * @returns `undefined`: nothing was measured, or it is not known
 */
export async function readRolloutAnalysis(
  client: Pick<KubernetesClient, "request">,
  namespace: string,
  rollout: KubernetesObject | undefined,
  signal: AbortSignal,
): Promise<RolloutAnalysis | undefined> {
  // Until its controller has seen the image, its status tells of the one before.
  if (rollout?.["kind"] !== "Rollout" || !isObserved(rollout)) return undefined;
  const hash = stringAt(rollout, "status", "currentPodHash");
  if (hash === undefined) return undefined;
  const query = { labelSelector: `rollouts-pod-template-hash=${hash}` };
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/analysisruns`;
  try {
    return rolloutAnalysis(rollout, listAt(await client.request("GET", path, { query, signal }), "items"));
  } catch (error) {
    if (!signal.aborted && (error instanceof ApiError || error instanceof UnreachableError)) return undefined;
    throw error;
  }
}

/** @param runs AnalysisRuns of the Rollout's latest pods, in any order, and maybe of others */
export function rolloutAnalysis(
  rollout: KubernetesObject,
  runs: readonly KubernetesObject[],
): RolloutAnalysis | undefined {
  const groups = newestRuns(rollout, runs).map((run) => ({ group: groupOf(run), metrics: metricsOf(run) }));
  const metrics = groups.flatMap((group) => group.metrics);
  if (metrics.length === 0) return undefined;
  const bad = metrics.filter(({ failed }) => failed);
  const detail = (bad.length > 0 ? bad : metrics).map((metric) => metric.detail).join("; ");
  const isJudged = metrics.every(({ classification }) => classification !== undefined);
  return { detail, failed: bad.length > 0, judgment: isJudged ? judgmentOf(groups) : undefined };
}

const revisionKey = "rollout.argoproj.io/revision";

/** The same pods may be measured several times, in several revisions: of each type, the newest run of the latest one counts. */
function newestRuns(rollout: KubernetesObject, runs: readonly KubernetesObject[]): KubernetesObject[] {
  const uid = stringAt(rollout, "metadata", "uid");
  const hash = stringAt(rollout, "status", "currentPodHash");
  const own = runs.filter(
    (run) =>
      listAt(run, "metadata", "ownerReferences").some((owner) => owner["uid"] === uid) &&
      labelsAt(run)["rollouts-pod-template-hash"] === hash &&
      annotationOf(run, revisionKey) === annotationOf(rollout, revisionKey),
  );
  const byAge = own.toSorted((one, other) => startOf(one).localeCompare(startOf(other)));
  return [...new Map(byAge.map((run) => [groupOf(run), run])).values()];
}

function startOf(run: KubernetesObject): string {
  return `${stringAt(run, "metadata", "creationTimestamp") ?? ""} ${nameOf(run)}`;
}

/** What a run is called where its metrics are shown. */
function groupOf(run: KubernetesObject): string {
  switch (stringAt(run, "metadata", "labels", "rollout-type")) {
    case "PrePromotion":
      return "before the switch";
    case "PostPromotion":
      return "after the switch";
    case "Step":
      return `step ${stringAt(run, "metadata", "labels", "step-index") ?? ""}`.trim();
    default:
      return "canary";
  }
}

interface MeasuredMetric {
  readonly name: string;
  /** @default by a condition that somebody else has written */
  readonly classification: RecordedJudgment["metrics"][number]["classification"] | undefined;
  readonly failed: boolean;
  readonly detail: string;
}

function metricsOf(run: KubernetesObject): MeasuredMetric[] {
  const conditions = new Map(
    listAt(run, "spec", "metrics").map((metric) => [nameOfMetric(metric), stringAt(metric, "successCondition")]),
  );
  return listAt(run, "status", "metricResults").flatMap((result) => {
    const name = nameOfMetric(result);
    const metric = metricOf(name, result, conditions.get(name) ?? "");
    return metric === undefined ? [] : [metric];
  });
}

function nameOfMetric(metric: KubernetesObject): string {
  return stringAt(metric, "name") ?? "";
}

/** @returns `undefined`: it has not been measured */
function metricOf(name: string, result: KubernetesObject, condition: string): MeasuredMetric | undefined {
  const phase = stringAt(result, "phase") ?? "";
  const measurements = listAt(result, "measurements");
  const good = limitsOf(condition);
  if (phase === "Error") {
    const times = numberAt(result, "consecutiveError") ?? numberAt(result, "error") ?? measurements.length;
    const detail = `${name} could not be measured, ${times} times in a row`;
    return { name, classification: "missing", failed: true, detail };
  }
  const count = numberAt(result, "count") ?? measurements.length;
  const failed = phase === "Failed" || phase === "Inconclusive";
  const shown = measurements.findLast((one) => stringAt(one, "phase") === (failed ? phase : "Successful"));
  if (shown === undefined) return undefined;
  const value = valueOf(shown);
  if (!failed)
    return {
      name,
      classification: "pass",
      failed,
      detail: `${name}: ${value ?? "no value"}, ${good.text} (measured ${count === 1 ? "once" : `${count} times`})`,
    };
  const bad = numberAt(result, phase === "Failed" ? "failed" : "inconclusive") ?? 1;
  const detail = `${name}: ${value ?? "no value"} in place of ${good.text}, in ${bad} of ${count} measurements`;
  return { name, classification: classify(value, good), failed, detail };
}

/** As Argo Rollouts writes what Prometheus has answered: `[0.2]`, or `0.2`. @returns `undefined`: no number */
function valueOf(measurement: KubernetesObject): string | undefined {
  const text = (stringAt(measurement, "value") ?? "").replace(/^\[(.*)\]$/, "$1").trim();
  return text === "" || text === "NaN" ? undefined : text;
}

interface Limits {
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly text: string;
}

/** What is good, as `components/manifests/rollout.ts` writes it; what else a condition says is shown as it is. */
function limitsOf(condition: string): Limits {
  const limit = (operator: string): number | undefined => {
    const [, found] = new RegExp(`result\\[0\\] ${operator} (-?[\\d.]+(?:e[+-]?\\d+)?)(?: |$)`).exec(condition) ?? [];
    return found === undefined ? undefined : Number(found);
  };
  const [min, max] = [limit(">="), limit("<=")];
  const words = [
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ].join(" and ");
  return { min, max, text: words === "" ? condition : words };
}

function classify(value: string | undefined, { min, max }: Limits): MeasuredMetric["classification"] {
  if (value === undefined) return "missing";
  const number = Number(value);
  if (max !== undefined && number > max) return "high";
  return min !== undefined && number < min ? "low" : undefined;
}

/** One metric that fails ends a rollout, whatever the others say. */
function judgmentOf(
  groups: readonly { readonly group: string; readonly metrics: readonly MeasuredMetric[] }[],
): RecordedJudgment {
  const measured = groups.filter(({ metrics }) => metrics.length > 0);
  const metrics = measured.flatMap(({ group, metrics: own }) => own.map((metric) => ({ ...metric, group })));
  const isBad = metrics.some(({ failed }) => failed);
  return {
    verdict: isBad ? "fail" : "pass",
    score: isBad ? 0 : 100,
    pass: 100,
    marginal: 100,
    groups: measured.map(({ group, metrics: own }) => ({
      group,
      score: (100 * own.filter(({ failed }) => !failed).length) / own.length,
      weight: 100 / measured.length,
    })),
    metrics: metrics.map(({ name, group, classification = "pass", failed }) => ({
      metric: name,
      group,
      classification,
      critical: failed,
    })),
  };
}
