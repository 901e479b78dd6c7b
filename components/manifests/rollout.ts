import type { types } from "@pulumi/kubernetes";
import { canaryAnalysisName, canaryServiceName, previewServiceName, promotionAnalysisName } from "../../core/names.ts";
import { exposedPort } from "../service/exposure.ts";
import {
  analysisSeconds,
  isRouted,
  keptSeconds,
  measurementTimes,
  secondsOf,
  type AnalysisSettings,
  type BlueGreenSettings,
  type CanarySettings,
  type PromotionAnalysisSettings,
  type RolloutSettings,
} from "../service/rollout-settings.ts";
import type { Service } from "../service/service.ts";
import { initialReplicas, rolloutSeconds } from "./deployment.ts";
import { metadata, selectorLabels, type Environment } from "./metadata.ts";
import { podTemplate, type PodTemplateArgs } from "./pod-template.ts";
import { servicePorts } from "./service-ports.ts";

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
      progressDeadlineSeconds: rolloutSeconds(service) + longestAnalysis(settings),
      progressDeadlineAbort: true,
      selector: { matchLabels: selectorLabels(environment, service.name) },
      strategy:
        settings.strategy === "canary"
          ? { canary: canary(environment, service, settings) }
          : { blueGreen: blueGreen(service.name, settings) },
      template: podTemplate(environment, service, args),
    },
  };
}

function canary(environment: Environment, service: Service, settings: CanarySettings) {
  const { steps, analysis } = settings;
  return {
    maxSurge: 1,
    maxUnavailable: 0,
    ...(isRouted(settings) ? routed(environment, service, settings) : {}),
    steps: steps.flatMap(({ weight, pause }) => [
      { setWeight: weight },
      ...(pause === undefined ? [] : [{ pause: { duration: `${secondsOf(pause)}s` } }]),
    ]),
    ...(analysis === undefined
      ? {}
      : {
          analysis: {
            templates: [{ templateName: canaryAnalysisName(service.name) }],
            // Once the pods of the first step are there.
            startingStep: 1,
            args: analysisArguments(),
          },
        }),
  };
}

/** The plugin by which Argo Rollouts writes the weights of routes. */
export const gatewayPluginName = "argoproj-labs/gatewayAPI";

/**
 * The service's own Service leads to the pods of the image before until the end, so that peers get no other.
 * Source: https://rollouts-plugin-trafficrouter-gatewayapi.readthedocs.io/en/latest/quick-start/
 */
function routed({ namespace }: Environment, service: Service, settings: CanarySettings) {
  const route = exposedPort(service)?.protocol === "gRPC" ? "grpcRoute" : "httpRoute";
  return {
    stableService: service.name,
    canaryService: canaryServiceName(service.name),
    scaleDownDelaySeconds: keptSeconds(settings),
    trafficRouting: {
      plugins: { [gatewayPluginName]: { [route]: service.name, namespace, disableInProgressLabel: true } },
    },
  };
}

/**
 * The service's own Service is the active one: until its new pods are all ready it leads to the old ones, and to nothing in between.
 * Source: https://argo-rollouts.readthedocs.io/en/stable/features/bluegreen/
 */
function blueGreen(service: string, settings: BlueGreenSettings) {
  const { autoPromotion, prePromotionAnalysis, postPromotionAnalysis } = settings;
  const measured = (when: "pre" | "post") => ({
    templates: [{ templateName: promotionAnalysisName(service, when) }],
    args: analysisArguments(),
  });
  return {
    activeService: service,
    previewService: previewServiceName(service),
    autoPromotionEnabled: autoPromotion !== false,
    ...(typeof autoPromotion === "string" ? { autoPromotionSeconds: secondsOf(autoPromotion) } : {}),
    scaleDownDelaySeconds: keptSeconds(settings),
    ...(prePromotionAnalysis === undefined ? {} : { prePromotionAnalysis: measured("pre") }),
    ...(postPromotionAnalysis === undefined ? {} : { postPromotionAnalysis: measured("post") }),
  };
}

/** Errors that Argo Rollouts lets pass one after the other are tried again after 10 seconds, and do not count as measurements. */
const retrySeconds = 10;

/**
 * How long the longest analysis may take that a rollout waits for. Argo Rollouts counts that time as one without progress, in which a
 * rollout would be ended for being late.
 */
function longestAnalysis(settings: RolloutSettings): number {
  if (settings.strategy === "canary") return 0;
  const times = [settings.prePromotionAnalysis, settings.postPromotionAnalysis].map((analysis) =>
    analysis === undefined ? 0 : analysisSeconds(analysis) + analysis.count * toleratedErrors * retrySeconds,
  );
  return Math.max(...times);
}

/** The Service by which the new pods are reached, while the service's own leads to those before, by the key of its manifest. */
export function newPodsService(environment: Environment, service: Service) {
  const made = (name: string): types.input.core.v1.Service => ({
    metadata: { ...metadata(environment, service.name), name },
    spec: { selector: selectorLabels(environment, service.name), ports: servicePorts(service) },
  });
  if (service.rollout?.strategy === "blueGreen") return { previewService: made(previewServiceName(service.name)) };
  return isRouted(service.rollout) ? { canaryService: made(canaryServiceName(service.name)) } : {};
}

/** What is measured by a rollout, by the key of its manifest. */
export function analysisTemplates(environment: Environment, service: string, settings: RolloutSettings) {
  if (settings.strategy === "canary") {
    const { analysis } = settings;
    if (analysis === undefined) return {};
    return { analysisTemplate: analysisTemplate(environment, service, canaryAnalysisName(service), analysis) };
  }
  const template = (when: "pre" | "post", analysis: PromotionAnalysisSettings) =>
    analysisTemplate(environment, service, promotionAnalysisName(service, when), analysis, analysis.count);
  const { prePromotionAnalysis: before, postPromotionAnalysis: after } = settings;
  return {
    ...(before === undefined ? {} : { prePromotionAnalysis: template("pre", before) }),
    ...(after === undefined ? {} : { postPromotionAnalysis: template("post", after) }),
  };
}

const podsArgument = "canary-hash";

const analysisArguments = () => [{ name: podsArgument, valueFrom: { podTemplateHashValue: "Latest" } }];

/** A server that does not answer once or twice is no bad image; one that does not come back is no good sign. */
const toleratedErrors = 2;

/**
 * What is measured, as long as a Rollout goes through its steps, or as often as it says. Argo Rollouts takes a value that is no number, or of which only failure is
 * described, for a success; and an empty answer for an error, of which it allows some. So what is good is described, and all else
 * is bad.
 * Source: https://argo-rollouts.readthedocs.io/en/stable/analysis/prometheus/
 */
function analysisTemplate(
  environment: Environment,
  service: string,
  name: string,
  analysis: AnalysisSettings,
  count?: number,
) {
  const { interval, delay } = measurementTimes(analysis);
  return {
    metadata: { ...metadata(environment, service), name },
    spec: {
      args: [{ name: podsArgument }],
      metrics: Object.entries(analysis.metrics).map(([metric, { query, failures = 0, ...limits }]) => ({
        name: metric,
        initialDelay: `${delay}s`,
        interval: `${interval}s`,
        ...(count === undefined ? {} : { count }),
        failureLimit: failures,
        consecutiveErrorLimit: toleratedErrors,
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
