import { createHash } from "node:crypto";
import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
import { secretName } from "../../core/names.ts";
import { podResources } from "../resources.ts";
import type { Service } from "../service.ts";
import { generationAnnotation, metadata, selectorLabels, type Environment } from "./metadata.ts";
import { restrictedContainer, restrictedPod, scratchVolumes } from "./pod.ts";

export interface PodTemplateArgs {
  /** The image by digest. */
  image: Input<string>;
  /** The environment variables in the ConfigMap, so that a change of one restarts the pods. */
  variables: Readonly<Record<string, string>>;
  /** Whether there is a Secret with further environment variables. */
  hasSecrets: boolean;
  /** Rises whenever that Secret changes. @default it never has */
  secretsGeneration?: Input<string> | undefined;
}

type PodTemplate = {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: types.input.core.v1.PodSpec;
};

/** What the pods of a service are, whatever makes them: a Deployment or another workload. */
export function podTemplate(environment: Environment, service: Service, args: PodTemplateArgs): PodTemplate {
  const { labels } = metadata(environment, service.name);
  const scratch = scratchVolumes(["/tmp"]);
  return {
    metadata: {
      labels,
      annotations: {
        "delivery/config-checksum": checksum(args.variables),
        ...(args.secretsGeneration === undefined ? {} : { [generationAnnotation]: args.secretsGeneration }),
      },
    },
    spec: {
      serviceAccountName: service.name,
      ...restrictedPod(service.user),
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: "kubernetes.io/hostname",
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: selectorLabels(environment, service.name) },
        },
      ],
      containers: [
        {
          name: service.name,
          image: args.image,
          ...(service.port === undefined
            ? {}
            : { ports: [{ name: "http", containerPort: service.port, protocol: "TCP" }] }),
          envFrom: [
            { configMapRef: { name: service.name } },
            ...(!args.hasSecrets ? [] : [{ secretRef: { name: secretName(service.name) } }]),
          ],
          resources: podResources(service.resources),
          // Kubernetes asks at the port; of a worker it knows only whether its process lives.
          ...(service.port === undefined ? {} : probes(service)),
          ...restrictedContainer(),
          volumeMounts: scratch.volumeMounts,
        },
      ],
      volumes: scratch.volumes,
    },
  };
}

function probes({ probes: { liveness, readiness } = {} }: Service) {
  return {
    // Every second until it is up, so that it is ready as soon as it can be; then at the pace of the others.
    startupProbe: { ...probe(liveness), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe(liveness), periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...probe(readiness), periodSeconds: 5 },
  };
}

function probe(target: string = "tcp"): types.input.core.v1.Probe {
  return target === "tcp" ? { tcpSocket: { port: "http" } } : { httpGet: { path: target, port: "http" } };
}

function checksum(variables: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(variables).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 16);
}
