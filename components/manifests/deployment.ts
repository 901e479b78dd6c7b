import type { types } from "@pulumi/kubernetes";
import { startSeconds } from "../service/probes.ts";
import type { Service } from "../service/service.ts";
import { metadata, selectorLabels, type Environment } from "./metadata.ts";
import { podTemplate, type PodTemplateArgs } from "./pod-template.ts";

/** How long a rollout may go without a pod becoming ready before it counts as failed: what a pod may take to start, and more. */
export function rolloutSeconds({ probes }: Pick<Service, "probes">): number {
  return startSeconds(probes) + 120;
}

/** The Deployment of a service. */
export function deployment(
  environment: Environment,
  service: Service,
  args: PodTemplateArgs,
): types.input.apps.v1.Deployment {
  return {
    metadata: metadata(environment, service.name),
    spec: {
      replicas: initialReplicas(service),
      revisionHistoryLimit: 5,
      progressDeadlineSeconds: rolloutSeconds(service),
      selector: { matchLabels: selectorLabels(environment, service.name) },
      strategy: strategy(service),
      template: podTemplate(environment, service, args),
    },
  };
}

/**
 * How many pods there are, and with an autoscaler, until it says otherwise. A Deployment that says nothing of them would have
 * one as soon as no other writer does, which is below most minimums, for as long as the autoscaler takes to look.
 */
export function initialReplicas({ replicas, autoscaling }: Service): number {
  if (autoscaling === undefined) return replicas ?? 1;
  return Math.min(Math.max(replicas ?? autoscaling.min, autoscaling.min), autoscaling.max);
}

/** A volume that one node writes at a time would keep a new pod on another node waiting for ever: there the old one goes first. */
function strategy({ volumes = {} }: Service): types.input.apps.v1.DeploymentStrategy {
  const isSingle = Object.values(volumes).some(({ accessMode }) => accessMode !== "ReadWriteMany");
  return isSingle ? { type: "Recreate" } : { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
}
