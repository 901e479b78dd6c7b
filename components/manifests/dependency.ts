import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
import { migrationName, pullSecretName, secretName } from "../../core/names.ts";
import type { DependencySettings, DeployedDependencySettings } from "../service/dependency-settings.ts";
import type { Service } from "../service/service.ts";
import { metadata, selectorLabels, type Environment } from "./metadata.ts";
import { dependencyPolicy } from "./network-policy.ts";
import { restrictedContainer, restrictedPod, scratchVolumes } from "./pod.ts";

/** `host:port` of a database or cache; `undefined` where the environment has none. */
export function dependencyAddress(name: string, settings: DependencySettings): string | undefined {
  if (settings === "none") return undefined;
  return "address" in settings ? settings.address : `${name}:${settings.port}`;
}

/** Those that run in the environment's own namespace. */
export function deployedDependencies(
  dependencies: Readonly<Record<string, DependencySettings>>,
): Record<string, DeployedDependencySettings> {
  return Object.fromEntries(
    Object.entries(dependencies).flatMap(([name, settings]) =>
      settings !== "none" && "image" in settings ? [[name, settings] as const] : [],
    ),
  );
}

/** Whose pods use a database or cache: services, and their migrations. */
export function dependencyUsers(name: string, services: readonly Service[]): string[] {
  return services
    .filter(({ dependencies }) => dependencies?.[name] !== undefined)
    .flatMap((service) => [service.name, ...(service.migrations === undefined ? [] : [migrationName(service.name)])]);
}

/** The manifests of a database or cache that runs as a plain Deployment. */
export interface DependencyManifests {
  deployment: types.input.apps.v1.Deployment;
  service: types.input.core.v1.Service;
  networkPolicy: types.input.networking.v1.NetworkPolicy;
  persistentVolumeClaim?: types.input.core.v1.PersistentVolumeClaim;
}

/**
 * @param users the services that use it; the network policy lets in no other
 * @param annotations of its pods; whatever changes in them restarts it
 */
export function dependencyManifests(
  environment: Environment,
  name: string,
  settings: DeployedDependencySettings,
  users: readonly string[],
  annotations?: Input<Record<string, string>>,
): DependencyManifests {
  const base = metadata(environment, name);
  const selector = selectorLabels(environment, name);
  const scratch = scratchVolumes(["/tmp", ...settings.scratch].map((path) => ({ path })));
  const { storage } = settings;
  const storageVolume = storage === undefined ? [] : [{ name: "data", persistentVolumeClaim: { claimName: name } }];
  const storageMount = storage === undefined ? [] : [{ name: "data", mountPath: storage.path }];
  return {
    deployment: {
      metadata: base,
      spec: {
        replicas: 1,
        selector: { matchLabels: selector },
        // Two pods must never write one volume.
        strategy: { type: "Recreate" },
        template: {
          metadata: { labels: base.labels, ...(annotations === undefined ? {} : { annotations }) },
          spec: {
            ...(environment.nodesPull === true ? {} : { imagePullSecrets: [{ name: pullSecretName }] }),
            ...restrictedPod(settings.user),
            containers: [
              {
                name,
                image: settings.image,
                ports: [{ name: "tcp", containerPort: settings.port, protocol: "TCP" }],
                env: Object.entries(settings.env).map(([key, value]) => ({ name: key, value })),
                envFrom: Object.keys(settings.secrets).length === 0 ? [] : [{ secretRef: { name: secretName(name) } }],
                readinessProbe: { tcpSocket: { port: "tcp" }, periodSeconds: 5 },
                resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
                ...restrictedContainer(),
                volumeMounts: [...scratch.volumeMounts, ...storageMount],
              },
            ],
            volumes: [...scratch.volumes, ...storageVolume],
          },
        },
      },
    },
    service: {
      metadata: base,
      spec: { selector, ports: [{ name: "tcp", port: settings.port, targetPort: "tcp", protocol: "TCP" }] },
    },
    networkPolicy: dependencyPolicy(environment, name, settings.port, users),
    ...(storage === undefined
      ? {}
      : {
          persistentVolumeClaim: {
            metadata: base,
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: storage.size } } },
          },
        }),
  };
}
