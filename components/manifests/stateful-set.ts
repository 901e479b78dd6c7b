import type { types } from "@pulumi/kubernetes";
import type { Service } from "../service/service.ts";
import { headlessName } from "../service/volumes.ts";
import { metadata, selectorLabels, type Environment } from "./metadata.ts";
import { servicePorts } from "./service-ports.ts";
import { podTemplate, type PodTemplateArgs } from "./pod-template.ts";
import { volumeClaimTemplates } from "./volumes.ts";

/** The StatefulSet of a service whose pods have volumes of their own. */
export function statefulSet(
  environment: Environment,
  service: Service,
  args: PodTemplateArgs,
): types.input.apps.v1.StatefulSet {
  return {
    metadata: metadata(environment, service.name),
    spec: {
      replicas: service.replicas ?? 1,
      revisionHistoryLimit: 5,
      serviceName: headlessName(service.name),
      selector: { matchLabels: selectorLabels(environment, service.name) },
      // In order, a pod that never gets ready would also hold up the release that takes it back. Updates go pod by pod all the same.
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "RollingUpdate" },
      template: podTemplate(environment, service, args),
      volumeClaimTemplates: volumeClaimTemplates(environment, service),
    },
  };
}

/** Gives each of its pods a name of its own: `web-0.web-pods`. They find each other before they are ready. */
export function headlessService(environment: Environment, service: Service): types.input.core.v1.Service {
  const ports = servicePorts(service);
  return {
    metadata: { ...metadata(environment, service.name), name: headlessName(service.name) },
    spec: {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: selectorLabels(environment, service.name),
      ...(ports.length === 0 ? {} : { ports }),
    },
  };
}
