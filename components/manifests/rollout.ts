import { canaryAnalysisName } from "../../core/names.ts";
import {
  measurementTimes,
  secondsOf,
  type AnalysisSettings,
  type RolloutSettings,
} from "../service/rollout-settings.ts";
import type { Service } from "../service/service.ts";
import { initialReplicas, rolloutSeconds } from "./deployment.ts";
import { metadata, selectorLabels, type Environment } from "./metadata.ts";
import { podTemplate, type PodTemplateArgs } from "./pod-template.ts";

/** The group and version of Argo Rollouts' objects. */
export const rolloutsApi = "argoproj.io/v1alpha1";

/**
 * The Rollout of a service, which takes the place of its Deployment. An update that no pod of becomes ready in time is ended, as one
 * is whose metrics are bad: the pods of the image before come back.
 * Source: https://argo-rollouts.readthedocs.io/en/stable/features/specification/
 */
export function rollout(environment: Environment, service: Service, settings: RolloutSettings, args: PodTemplateArgs) {
  return {
    metadata: metadata(environment, service.name),
    spec: {
      replicas: initialReplicas(service),
      revisionHistoryLimit: 5,
      progressDeadlineSeconds: rolloutSeconds(service),
      progressDeadlineAbort: true,
      selector: { matchLabels: selectorLabels(environment, service.name) },
      strategy: { canary: canary(service.name, settings) },
      template: podTemplate(environment, service, args),
    },
  };
}

function canary(service: string, { steps, analysis }: RolloutSettings) {
  return {
    maxSurge: 1,
    maxUnavailable: 0,
    steps: steps.flatMap(({ weight, pause }) => [
      { setWeight: weight },
      ...(pause === undefined ? [] : [{ pause: { duration: `${secondsOf(pause)}s` } }]),
    ]),
    ...(analysis === undefined
      ? {}
      : {
          analysis: {
            templates: [{ templateName: canaryAnalysisName(service) }],
            // Once the pods of the first step are there.
            startingStep: 1,
            args: [{ name: podsArgument, valueFrom: { podTemplateHashValue: "Latest" } }],
          },
        }),
  };
}

const podsArgument = "canary-hash";

/**
 * What is measured while a Rollout goes through its steps. Argo Rollouts takes a value that is no number, or of which only failure is
 * described, for a success; and an empty answer for an error, of which it allows some. So what is good is described, and all else
 * is bad.
 * Source: https://argo-rollouts.readthedocs.io/en/stable/analysis/prometheus/
 */
export function analysisTemplate(environment: Environment, service: string, analysis: AnalysisSettings) {
  const { interval, delay } = measurementTimes(analysis);
  return {
    metadata: { ...metadata(environment, service), name: canaryAnalysisName(service) },
    spec: {
      args: [{ name: podsArgument }],
      metrics: Object.entries(analysis.metrics).map(([name, { query, failures = 0, ...limits }]) => ({
        name,
        initialDelay: `${delay}s`,
        interval: `${interval}s`,
        failureLimit: failures,
        // A server that does not answer once or twice is no bad image; one that does not come back is no good sign.
        consecutiveErrorLimit: 2,
        successCondition: condition(limits),
        provider: {
          prometheus: {
            address: analysis.prometheus,
            query: query.replaceAll("${pods}", `${service}-{{args.${podsArgument}}}-.*`),
          },
        },
      })),
    },
  };
}

function condition({ min, max }: { min?: number | undefined; max?: number | undefined }): string {
  return [
    "len(result) == 1",
    "!isNaN(result[0])",
    "!isInf(result[0])",
    ...(min === undefined ? [] : [`result[0] >= ${min}`]),
    ...(max === undefined ? [] : [`result[0] <= ${max}`]),
  ].join(" && ");
}
