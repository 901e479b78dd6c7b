import type { types } from "@pulumi/kubernetes";
import type { Service } from "../service/service.ts";
import { metadata, type Annotated, type Environment } from "./metadata.ts";
import { podTemplate, type PodTemplateArgs } from "./pod-template.ts";

/** How often a run that fails is tried again; Kubernetes' own 6 would take more than ten minutes to give up. */
const defaultBackoffLimit = 2;

/**
 * What has Argo CD make a Job anew whose template has changed, which Kubernetes refuses to change. A Job that is the same stays:
 * `Replace=true` beside it would run it again at every sync, whatever that is about.
 * Source: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#force-sync
 */
const replacedByArgoCd = { "argocd.argoproj.io/sync-options": "Force=true" };

/** The Job of a service that runs once for every image, and for every other change of what its pods are. */
export function job(
  environment: Environment,
  service: Service,
  args: PodTemplateArgs,
): Annotated<types.input.batch.v1.Job> {
  return {
    metadata: { ...metadata(environment, service.name), annotations: replacedByArgoCd },
    // It stays when it is done: what is not there any more would be made, and run, again.
    spec: jobSpec(environment, service, args),
  };
}

/** The CronJob of a service that runs at set times. */
export function cronJob(
  environment: Environment,
  service: Service,
  args: PodTemplateArgs,
): types.input.batch.v1.CronJob {
  const { schedule, timeZone, concurrency = "Allow", startingDeadlineSeconds, history = {} } = service;
  if (schedule === undefined) throw new Error(`no schedule of ${service.name}`);
  const { labels } = metadata(environment, service.name);
  return {
    metadata: metadata(environment, service.name),
    spec: {
      schedule,
      ...(service.suspended === true ? { suspend: true } : {}),
      ...(timeZone === undefined ? {} : { timeZone }),
      concurrencyPolicy: concurrency,
      ...(startingDeadlineSeconds === undefined ? {} : { startingDeadlineSeconds }),
      successfulJobsHistoryLimit: history.successful ?? 3,
      failedJobsHistoryLimit: history.failed ?? 1,
      jobTemplate: { metadata: { labels }, spec: jobSpec(environment, service, args) },
    },
  };
}

function jobSpec(environment: Environment, service: Service, args: PodTemplateArgs): types.input.batch.v1.JobSpec {
  const { backoffLimit = defaultBackoffLimit, activeDeadlineSeconds } = service;
  return {
    backoffLimit,
    ...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
    template: podTemplate(environment, service, args),
  };
}
