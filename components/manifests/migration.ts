import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
import { migrationName } from "../../core/names.ts";
import { contractAnnotation, migrationLabel } from "../../git/migration-record.ts";
import { migrationDeadline, type MigrationSettings } from "../service/migration-settings.ts";
import { metadata, type Environment } from "./metadata.ts";
import type { PodTemplate } from "./pod-template.ts";

/**
 * How much longer the Job may take than its pod may run, in seconds: the time until a node has it. The pod's own deadline
 * leaves the pod and its log; the Job's removes both, and is for a pod that no node takes.
 */
export const schedulingSeconds = 120;

/** The labels of a service's migrations: other than those of its pods, so that no Service sends them requests. */
export function migrationLabels(environment: Environment, service: string): Record<string, string> {
  const { labels } = metadata(environment, migrationName(service));
  return { ...labels, [migrationLabel.key]: migrationLabel.value };
}

export interface MigrationJobArgs {
  service: string;
  settings: MigrationSettings;
  /** What the service's own pods are, with the image. */
  pod: PodTemplate;
  /** Of this Job alone. @default that of a template */
  name?: Input<string>;
  /** @default none but those of the template */
  annotations?: Readonly<Record<string, string>>;
}

/** The Job that runs a service's migrations: a pod like the service's own, with another command, once. */
export function migrationJob(environment: Environment, args: MigrationJobArgs): types.input.batch.v1.Job {
  const { service, settings, pod } = args;
  const labels = migrationLabels(environment, service);
  const deadline = migrationDeadline(settings);
  const annotations = { ...(settings.contract === true ? { [contractAnnotation]: "true" } : {}), ...args.annotations };
  const { topologySpreadConstraints: _spread, containers, ...spec } = pod.spec;
  return {
    metadata: {
      name: args.name ?? migrationName(service),
      namespace: environment.namespace,
      labels,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      // A migration that has failed may have done half of its work: a person or the next release decides, and no controller.
      backoffLimit: 0,
      activeDeadlineSeconds: deadline + schedulingSeconds,
      template: {
        metadata: { labels },
        spec: {
          ...spec,
          restartPolicy: "Never",
          activeDeadlineSeconds: deadline,
          containers: containers.map((container) => migrationContainer(container, service, settings)),
        },
      },
    },
  };
}

/** The service's own container with the command of the migration, and without what asks whether it serves. */
function migrationContainer(
  container: types.input.core.v1.Container,
  service: string,
  settings: MigrationSettings,
): types.input.core.v1.Container {
  if (container.name !== service) return container;
  const {
    args: _args,
    ports: _ports,
    startupProbe: _startup,
    livenessProbe: _liveness,
    readinessProbe: _readiness,
    lifecycle: _lifecycle,
    ...rest
  } = container;
  return { ...rest, command: [...settings.command] };
}
