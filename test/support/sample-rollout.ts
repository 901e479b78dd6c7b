import type { JsonMap } from "../../kubernetes/json.ts";

interface MeasuredMetric {
  readonly name: string;
  readonly phase: string;
  readonly measurements: readonly { readonly phase: string; readonly value?: string; readonly message?: string }[];
  /** What is good. @default at most 0.05, as the program writes it */
  readonly successCondition?: string;
}

const good = "len(result) == 1 && !isNaN(result[0]) && !isInf(result[0]) && result[0] <= 0.05";

/** An AnalysisRun of the Rollout below, as Argo Rollouts writes it. @param labels beside those of the pods that it measures */
export function analysisRun(
  metrics: readonly MeasuredMetric[],
  labels: Readonly<Record<string, string>> = { "rollout-type": "Background" },
  metadata: JsonMap = {},
): JsonMap {
  const counted = (measurements: MeasuredMetric["measurements"], phase: string): number =>
    measurements.filter((one) => one.phase === phase).length;
  return {
    metadata: {
      name: "link-abc-2",
      creationTimestamp: "2026-01-01T10:01:00Z",
      annotations: { "rollout.argoproj.io/revision": "2" },
      labels: { "rollouts-pod-template-hash": "abc", ...labels },
      ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "link", uid: "u-1" }],
      ...metadata,
    },
    spec: {
      metrics: metrics.map(({ name, successCondition = good }) => ({ name, successCondition, provider: {} })),
    },
    status: {
      phase: metrics.find(({ phase }) => phase !== "Successful")?.phase ?? "Successful",
      metricResults: metrics.map(({ name, phase, measurements }) => {
        const [failed, error] = [counted(measurements, "Failed"), counted(measurements, "Error")];
        return {
          name,
          phase,
          count: measurements.length - error,
          successful: counted(measurements, "Successful"),
          ...(failed === 0 ? {} : { failed }),
          ...(error === 0 ? {} : { error, consecutiveError: error }),
          measurements: measurements.map((one) => ({
            ...one,
            startedAt: "2026-01-01T10:01:01Z",
            finishedAt: "2026-01-01T10:01:01Z",
          })),
        };
      }),
    },
  };
}

/** A Rollout that its analysis has ended. @param digest of the image that it is to run */
export function abortedRollout(digest: string, at: string): JsonMap {
  const message = 'RolloutAborted: Rollout aborted update to revision 2: Metric "errors" assessed Failed';
  return {
    metadata: {
      name: "link",
      uid: "u-1",
      generation: 2,
      annotations: { "rollout.argoproj.io/revision": "2" },
      labels: { "app.kubernetes.io/name": "link", "app.kubernetes.io/part-of": "shop" },
    },
    spec: {
      replicas: 4,
      strategy: { canary: { steps: [{ setWeight: 25 }, { pause: { duration: "30s" } }] } },
      template: { spec: { containers: [{ name: "link", image: `docker.io/acme/shop-link@${digest}` }] } },
    },
    status: {
      observedGeneration: "2",
      phase: "Degraded",
      message,
      currentPodHash: "abc",
      stableRS: "old",
      conditions: [{ type: "Progressing", status: "False", lastUpdateTime: at, lastTransitionTime: at }],
    },
  };
}
