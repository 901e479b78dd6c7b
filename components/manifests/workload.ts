import type { types } from "@pulumi/kubernetes";
import type { Service } from "../service/service.ts";
import { hasPodVolumes } from "../service/volumes.ts";
import { cronJob, job } from "./batch.ts";
import { deployment } from "./deployment.ts";
import type { Environment } from "./metadata.ts";
import type { PodTemplateArgs } from "./pod-template.ts";
import { analysisTemplates, newPodsService, rollout } from "./rollout.ts";
import { headlessService, statefulSet } from "./stateful-set.ts";

type AnalysisTemplate = NonNullable<ReturnType<typeof analysisTemplates>["analysisTemplate"]>;

/** What makes the pods of a service: one of these, by its kind and its volumes. */
export interface WorkloadManifests {
  deployment?: types.input.apps.v1.Deployment;
  /** In place of the Deployment, where the service has a `rollout`. */
  rollout?: ReturnType<typeof rollout>;
  /** What is measured meanwhile. */
  analysisTemplate?: AnalysisTemplate;
  /** What is measured before requests go to the new pods, all at once, and once they do. */
  prePromotionAnalysis?: AnalysisTemplate;
  postPromotionAnalysis?: AnalysisTemplate;
  /** Lead to the new pods, while the service's own Service leads to those before. */
  canaryService?: types.input.core.v1.Service;
  previewService?: types.input.core.v1.Service;
  statefulSet?: types.input.apps.v1.StatefulSet;
  cronJob?: types.input.batch.v1.CronJob;
  job?: ReturnType<typeof job>;
  /** Names each pod of the StatefulSet. */
  headlessService?: types.input.core.v1.Service;
}

export function workload(environment: Environment, service: Service, args: PodTemplateArgs): WorkloadManifests {
  if (service.kind === "cron") return { cronJob: cronJob(environment, service, args) };
  if (service.kind === "job") return { job: job(environment, service, args) };
  const { rollout: steps } = service;
  if (steps !== undefined)
    return {
      rollout: rollout(environment, service, steps, args),
      ...analysisTemplates(environment, service.name, steps),
      ...newPodsService(environment, service),
    };
  if (!hasPodVolumes(service)) return { deployment: deployment(environment, service, args) };
  return {
    statefulSet: statefulSet(environment, service, args),
    headlessService: headlessService(environment, service),
  };
}
