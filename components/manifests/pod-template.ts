import { createHash } from "node:crypto";
import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
import { filesName, secretName } from "../../core/names.ts";
import { fileKeys, type MountedFiles } from "../service/files.ts";
import { runsToCompletion } from "../service/kind.ts";
import { scratchDirectories } from "../service/mounts.ts";
import { portsOf, transportOf, type NamedPort } from "../service/ports.ts";
import { containerProbes } from "../service/probes.ts";
import { podResources } from "../service/resources.ts";
import type { Service } from "../service/service.ts";
import { generationAnnotation, metadata, selectorLabels, type Environment } from "./metadata.ts";
import { fileVolumes, restrictedContainer, restrictedPod, scratchVolumes } from "./pod.ts";
import { podVolumes } from "./volumes.ts";

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

export type PodTemplate = {
  metadata: types.input.meta.v1.ObjectMeta;
  spec: Omit<types.input.core.v1.PodSpec, "containers"> & { containers: types.input.core.v1.Container[] };
};

/** What the pods of a service are, whatever makes them: a Deployment or another workload. */
export function podTemplate(environment: Environment, service: Service, args: PodTemplateArgs): PodTemplate {
  const { labels } = metadata(environment, service.name);
  const scratch = scratchVolumes(scratchDirectories(service));
  const files = fileVolumes(filesName(service.name), service.mountedFiles);
  const ports = portsOf(service);
  const { command, args: words, terminationGracePeriodSeconds, preStop } = service;
  const data = podVolumes(service);
  const isBatch = runsToCompletion(service);
  return {
    metadata: {
      labels,
      annotations: {
        "delivery/config-checksum": checksum(args.variables, service.mountedFiles),
        ...(args.secretsGeneration === undefined ? {} : { [generationAnnotation]: args.secretsGeneration }),
      },
    },
    spec: {
      serviceAccountName: service.name,
      ...restrictedPod(
        service.user,
        ports.some(({ port }) => port < firstUnprivilegedPort),
      ),
      ...(terminationGracePeriodSeconds === undefined ? {} : { terminationGracePeriodSeconds }),
      // What has failed stays as it was, with its log, and the next attempt is another pod.
      ...(isBatch ? { restartPolicy: "Never" } : { topologySpreadConstraints: spread(environment, service) }),
      containers: [
        {
          name: service.name,
          image: args.image,
          ...(command === undefined ? {} : { command }),
          ...(words === undefined ? {} : { args: words }),
          ...(ports.length === 0 ? {} : { ports: ports.map(containerPort) }),
          envFrom: [
            { configMapRef: { name: service.name } },
            ...(!args.hasSecrets ? [] : [{ secretRef: { name: secretName(service.name) } }]),
          ],
          resources: podResources(service.resources),
          ...(isBatch ? {} : containerProbes(service.probes, ports)),
          ...(preStop === undefined ? {} : { lifecycle: { preStop: stopHandler(preStop) } }),
          ...restrictedContainer(service.capabilities),
          // The end of its log is part of the pod's state, which everybody reads who asks why a run has failed.
          ...(isBatch ? { terminationMessagePolicy: "FallbackToLogsOnError" } : {}),
          volumeMounts: [...scratch.volumeMounts, ...files.volumeMounts, ...data.volumeMounts],
        },
      ],
      volumes: [...scratch.volumes, ...files.volumes, ...data.volumes],
    },
  };
}

/** Ports below it need a right of root, unless the pod's network says otherwise. */
const firstUnprivilegedPort = 1024;

function containerPort(port: NamedPort): types.input.core.v1.ContainerPort {
  return { name: port.name, containerPort: port.port, protocol: transportOf(port) };
}

/** Kubernetes sleeps by itself, which needs no program in the image. */
function stopHandler({ sleep, exec }: NonNullable<Service["preStop"]>): types.input.core.v1.LifecycleHandler {
  return exec === undefined ? { sleep: { seconds: sleep ?? 0 } } : { exec: { command: exec } };
}

/**
 * Pods go to different machines and zones, as far as there is room. This is so of one pod, too: if it came with the second, a
 * change of the number of pods would restart those that run.
 */
function spread(environment: Environment, service: Service): types.input.core.v1.TopologySpreadConstraint[] {
  return ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorLabels(environment, service.name) },
  }));
}

/** @param files count only where there are any: the checksums of others stay as they are in environments that run already */
function checksum(variables: Readonly<Record<string, string>>, files: MountedFiles | undefined): string {
  const sorted = (map: object): [string, unknown][] => Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const plain = sorted(fileKeys(files).plain);
  const content = plain.length === 0 ? sorted(variables) : [sorted(variables), plain];
  return createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 16);
}
