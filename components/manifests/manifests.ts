import type { types } from "@pulumi/kubernetes";
import type { Input } from "@pulumi/pulumi";
import type { ClusterEntry, ManifestContext } from "./manifest-context.ts";
import { filesName, migrationName, pullSecretName, secretName } from "../../core/names.ts";
import { allowedImages } from "./allowed-images.ts";
import { fileKeys } from "../service/files.ts";
import { dependencyAddress, deployedDependencies } from "./dependency.ts";
import { exposedPort, isExposed } from "../service/exposure.ts";
import { runsToCompletion } from "../service/kind.ts";
import { ingress, ingressHost } from "./ingress.ts";
import { metadata, selectorLabels } from "./metadata.ts";
import { servicePorts } from "./service-ports.ts";
import { workload, type WorkloadManifests } from "./workload.ts";
import { volumeClaims, type VolumeClaim } from "./volumes.ts";
import { routeAddress, routes, type GrpcRoute, type HttpRoute } from "./routes.ts";
import { peerAddress, peerNames, peerVariables } from "../service/peer-settings.ts";
import { portsOf, primaryPort, type NamedPort } from "../service/ports.ts";
import { migrationJob } from "./migration.ts";
import { migrationPolicy, networkPolicy, type NetworkPolicyArgs } from "./network-policy.ts";
import { podTemplate } from "./pod-template.ts";
import type { Service } from "../service/service.ts";
import { hasPodVolumes } from "../service/volumes.ts";

/** The Kubernetes objects of one service, as plain data. */
export interface ServiceManifests extends WorkloadManifests {
  serviceAccount: types.input.core.v1.ServiceAccount;
  configMap: types.input.core.v1.ConfigMap;
  /** The files in its container that are no secrets. */
  files?: types.input.core.v1.ConfigMap;
  /** The images that its pods may have, where the cluster asks for that. */
  allowedImages?: ReturnType<typeof allowedImages>;
  /** The volumes that its pods share. */
  persistentVolumeClaims?: VolumeClaim["claim"][];
  service?: types.input.core.v1.Service;
  networkPolicy: types.input.networking.v1.NetworkPolicy;
  podDisruptionBudget?: types.input.policy.v1.PodDisruptionBudget;
  horizontalPodAutoscaler?: types.input.autoscaling.v2.HorizontalPodAutoscaler;
  ingress?: types.input.networking.v1.Ingress;
  httpRoute?: HttpRoute;
  grpcRoute?: GrpcRoute;
}

/** @param args the image by digest, and what rises whenever a secret of the service changes */
export function serviceManifests(
  context: ManifestContext,
  service: Service,
  args: {
    image: Input<string>;
    secretsGeneration?: Input<string> | undefined;
  },
): ServiceManifests {
  const { environment } = context;
  const base = metadata(environment, service.name);
  const variables = serviceVariables(context, service);
  const { autoscaling } = service;
  const claims = volumeClaims(environment, service).map(({ claim }) => claim);
  return {
    serviceAccount: {
      metadata: base,
      automountServiceAccountToken: false,
      ...(environment.nodesPull === true ? {} : { imagePullSecrets: [{ name: pullSecretName }] }),
    },
    configMap: { metadata: base, data: variables },
    ...filesConfigMap(base, service),
    ...(context.admission === undefined ? {} : { allowedImages: allowedImages(environment, service.name, args.image) }),
    ...(claims.length === 0 ? {} : { persistentVolumeClaims: claims }),
    ...workload(environment, service, {
      image: args.image,
      secretsGeneration: args.secretsGeneration,
      variables,
      hasSecrets: Object.keys(serviceSecrets(context, service)).length > 0,
    }),
    ...(service.port === undefined
      ? {}
      : {
          service: {
            metadata: base,
            spec: {
              selector: selectorLabels(environment, service.name),
              ports: servicePorts(service),
            },
          },
        }),
    networkPolicy: networkPolicy(environment, service, connections(context, service)),
    // A run that is evicted begins again.
    ...(runsToCompletion(service)
      ? {}
      : {
          podDisruptionBudget: {
            metadata: base,
            spec: { maxUnavailable: 1, selector: { matchLabels: selectorLabels(environment, service.name) } },
          },
        }),
    ...(autoscaling === undefined || runsToCompletion(service)
      ? {}
      : {
          horizontalPodAutoscaler: {
            metadata: base,
            spec: {
              scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: service.name },
              minReplicas: autoscaling.min,
              maxReplicas: autoscaling.max,
              metrics: [
                {
                  type: "Resource",
                  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: autoscaling.cpu ?? 80 } },
                },
              ],
            },
          },
        }),
    ...(isExposed(service) && context.ingress !== undefined
      ? { ingress: ingress(environment, service, context.ingress) }
      : {}),
    ...(context.gateway === undefined ? {} : routes(environment, service, context.gateway)),
  };
}

/** The objects of a service's migrations, as plain data. */
export interface MigrationManifests {
  job: types.input.batch.v1.Job;
  networkPolicy: types.input.networking.v1.NetworkPolicy;
  /** The image that its pods may have, where the cluster asks for that. */
  allowedImages?: ReturnType<typeof allowedImages>;
}

/**
 * @param args the image: by digest, with the name of its Job; or the repository alone, for a template
 * @returns `undefined`: the service has none
 */
export function migrationManifests(
  context: ManifestContext,
  service: Service,
  args: { image: Input<string>; name?: Input<string>; annotations?: Readonly<Record<string, string>> },
): MigrationManifests | undefined {
  const { environment } = context;
  const { migrations: settings } = service;
  if (settings === undefined) return undefined;
  const hasSecrets = Object.keys(serviceSecrets(context, service)).length > 0;
  const { image, ...own } = args;
  // Its data stays with its own pods, which may be on another node.
  const pod = podTemplate(environment, { ...service, volumes: undefined }, { image, variables: {}, hasSecrets });
  return {
    job: migrationJob(environment, { ...own, service: service.name, settings, pod }),
    networkPolicy: migrationPolicy(environment, service, connections(context, service)),
    ...(context.admission === undefined
      ? {}
      : { allowedImages: allowedImages(environment, migrationName(service.name), image) }),
  };
}

/**
 * Where a service is reached: from outside if it is exposed and the environment has a way in, else within the cluster.
 * @returns `undefined`: nowhere, nobody calls it
 */
export function serviceAddress(context: ManifestContext, service: Service): string | undefined {
  if (service.port === undefined) return undefined;
  if (isExposed(service) && context.gateway !== undefined) return routeAddress(service, context.gateway);
  if (isExposed(service) && context.ingress !== undefined) {
    const scheme = context.ingress.clusterIssuer === undefined ? "http" : "https";
    return `${scheme}://${ingressHost(service, context.ingress)}`;
  }
  const primary = primaryPort(portsOf(service));
  return primary && peerAddress("url", `${service.name}.${context.environment.namespace}.svc.cluster.local`, primary);
}

function filesConfigMap(
  base: ReturnType<typeof metadata>,
  { name, mountedFiles }: Service,
): Pick<ServiceManifests, "files"> {
  const files = Object.entries(fileKeys(mountedFiles).plain);
  if (files.length === 0) return {};
  const data = files.flatMap(([key, file]) => ("text" in file ? [[key, file.text] as const] : []));
  const binaryData = files.flatMap(([key, file]) => ("binary" in file ? [[key, file.binary] as const] : []));
  return {
    files: {
      metadata: { ...base, name: filesName(name) },
      ...(data.length === 0 ? {} : { data: Object.fromEntries(data) }),
      ...(binaryData.length === 0 ? {} : { binaryData: Object.fromEntries(binaryData) }),
    },
  };
}

/** The secrets of a service: environment variable → name in the stack's secrets. */
export function serviceSecrets(context: ManifestContext, service: Service): Record<string, string> {
  const passwords = Object.entries(service.dependencies ?? {}).flatMap(([name, { password: variable }]) => {
    const settings = context.dependencies[name] ?? "none";
    const secret = settings === "none" ? undefined : settings.password;
    return variable === undefined || secret === undefined ? [] : [[variable, secret] as const];
  });
  // As it does over the address of a dependency, `env` wins: of two sources of one variable, pods would take the Secret's.
  const { env = {} } = service;
  return { ...Object.fromEntries(passwords.filter(([variable]) => !Object.hasOwn(env, variable))), ...service.secrets };
}

/** A Secret on the cluster, of a service or a deployed dependency. */
export interface UsedSecret {
  readonly owner: string;
  readonly name: string;
  /** Environment variable, or the key of a file → name in the stack's secrets. */
  readonly values: Readonly<Record<string, string>>;
}

/** The Secrets of services and of deployed dependencies, as far as there is something to be in them. */
export function usedSecrets(context: ManifestContext): readonly UsedSecret[] {
  const ofServices = context.services.flatMap((service) => [
    { owner: service.name, name: secretName(service.name), values: serviceSecrets(context, service) },
    { owner: service.name, name: filesName(service.name), values: fileKeys(service.mountedFiles).secret },
  ]);
  const ofDependencies = Object.entries(deployedDependencies(context.dependencies)).map(([owner, { secrets }]) => ({
    owner,
    name: secretName(owner),
    values: secrets,
  }));
  return [...ofServices, ...ofDependencies].filter(({ values }) => Object.keys(values).length > 0);
}

/** The plain environment variables: its own, the addresses of its peers, and those of its dependencies. */
function serviceVariables(context: ManifestContext, service: Service): Record<string, string> {
  const peers = peersOf(context, service).flatMap(({ name, ports }) =>
    peerVariables(service.peers, name).flatMap(({ variable, form, port }) => {
      const called = port === undefined ? primaryPort(ports) : ports.find((other) => other.name === port);
      return called === undefined ? [] : [[variable, peerAddress(form, name, called)]];
    }),
  );
  const dependencies = Object.entries(service.dependencies ?? {}).flatMap(([name, variables]) => {
    const address = dependencyAddress(name, context.dependencies[name] ?? "none");
    return address === undefined ? [] : [[variables.address, address]];
  });
  return { ...Object.fromEntries([...peers, ...dependencies]), ...service.env };
}

function connections(context: ManifestContext, service: Service) {
  const used = Object.keys(service.dependencies ?? {}).map((name) => ({
    name,
    settings: context.dependencies[name] ?? "none",
  }));
  // Pods that have names and data of their own speak to one another.
  const ports = portsOf(service);
  const siblings = hasPodVolumes(service) && ports.length > 0 ? [{ name: service.name, ports }] : [];
  return {
    callers: [
      ...context.services.filter(({ peers }) => peerNames(peers).includes(service.name)).map(({ name }) => name),
      ...siblings.map(({ name }) => name),
    ],
    peers: [...peersOf(context, service), ...siblings],
    dependencies: used.flatMap(({ name, settings }) =>
      typeof settings === "object" && "image" in settings ? [{ name, port: settings.port }] : [],
    ),
    externalPorts: used.flatMap(({ settings }) =>
      typeof settings === "object" && "address" in settings ? [Number(settings.address.split(":")[1])] : [],
    ),
    ...entryOf(context, service),
  };
}

function peersOf(context: ManifestContext, service: Service): { name: string; ports: readonly NamedPort[] }[] {
  const called = new Set(peerNames(service.peers));
  return context.services
    .filter(({ name, port }) => port !== undefined && called.has(name))
    .map((peer) => ({ name: peer.name, ports: portsOf(peer) }));
}

/** Where requests from outside come from, and where in a service they go. */
function entryOf({ ingress: controller, gateway }: ClusterEntry, service: Service): Pick<NetworkPolicyArgs, "entry"> {
  const namespace = gateway === undefined ? controller?.namespace : (gateway.proxyNamespace ?? gateway.namespace);
  const port = exposedPort(service);
  return namespace === undefined || port === undefined ? {} : { entry: { namespace, port } };
}
