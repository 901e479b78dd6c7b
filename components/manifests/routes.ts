import { canaryServiceName, hostLabel } from "../../core/names.ts";
import { isRouted } from "../service/rollout-settings.ts";
import type { Service } from "../service/service.ts";
import { exposedPath, exposedPort, ownHost } from "../service/exposure.ts";
import { metadata, type Environment } from "./metadata.ts";

/** A Gateway that is there already and that services share, as the stack file names it. */
export interface GatewaySettings {
  readonly name: string;
  /** Where the Gateway is. */
  readonly namespace: string;
  /** The listener that routes are for. @default all that take the host */
  readonly listener?: string | undefined;
  readonly domain: string;
  /** The namespace of the pods that requests pass, which the network policies let in. @default `namespace` */
  readonly proxyNamespace?: string | undefined;
  /** How clients reach it. */
  readonly scheme: "http" | "https";
  /** Where clients reach it. @default the scheme's usual one */
  readonly port?: number | undefined;
  /** What the hosts of services begin with, e.g. `pr-7-`. @default nothing */
  readonly hostPrefix?: string | undefined;
}

/** The group and version of the Gateway API that routes are written in. */
export const gatewayApi = { group: "gateway.networking.k8s.io", version: "v1" } as const;

/** What routes of both kinds have in common. The SDK has no types for them. Source: https://gateway-api.sigs.k8s.io/reference/spec/ */
interface Route<Rule> {
  readonly metadata: ReturnType<typeof metadata>;
  readonly spec: {
    readonly parentRefs: readonly {
      readonly group: string;
      readonly kind: string;
      readonly name: string;
      readonly namespace: string;
      readonly sectionName?: string;
    }[];
    readonly hostnames: readonly string[];
    readonly rules: readonly (Rule & {
      readonly backendRefs: readonly {
        readonly group: string;
        readonly kind: string;
        readonly name: string;
        readonly port: number;
        readonly weight: number;
      }[];
    })[];
  };
}

export type HttpRoute = Route<{
  readonly matches: readonly { readonly path: { readonly type: "PathPrefix"; readonly value: string } }[];
}>;

export type GrpcRoute = Route<object>;

/** The host of an exposed service: its own, or `<service>.<domain>`. */
export function routeHost(service: Service, { domain, hostPrefix = "" }: GatewaySettings): string {
  return ownHost(service) ?? `${hostLabel(hostPrefix, service.name)}.${domain}`;
}

/** The URL under which clients reach an exposed service. */
export function routeAddress(service: Service, settings: GatewaySettings): string {
  const { scheme, port } = settings;
  return `${scheme}://${routeHost(service, settings)}${port === undefined ? "" : `:${port}`}`;
}

/**
 * The route of an exposed service: of HTTP, or of gRPC where that is spoken at its port. It says all that the API server would
 * fill in by itself, so that what is declared and what is there are the same to whoever compares them. Where the Gateway splits requests,
 * the weights are those of before and after a rollout.
 */
export function routes(
  environment: Environment,
  service: Service,
  settings: GatewaySettings,
): { httpRoute?: HttpRoute; grpcRoute?: GrpcRoute } {
  const port = exposedPort(service);
  if (port === undefined) return {};
  const { name, namespace, listener } = settings;
  const sectionName = listener === undefined ? {} : { sectionName: listener };
  const shared = {
    parentRefs: [{ group: gatewayApi.group, kind: "Gateway", name, namespace, ...sectionName }],
    hostnames: [routeHost(service, settings)],
  };
  const backend = (target: string, weight: number) => ({
    group: "",
    kind: "Service",
    name: target,
    port: port.port,
    weight,
  });
  const backendRefs = isRouted(service.rollout)
    ? [backend(service.name, 100), backend(canaryServiceName(service.name), 0)]
    : [backend(service.name, 1)];
  const base = metadata(environment, service.name);
  if (port.protocol === "gRPC") return { grpcRoute: { metadata: base, spec: { ...shared, rules: [{ backendRefs }] } } };
  const matches = [{ path: { type: "PathPrefix" as const, value: exposedPath(service) } }];
  return { httpRoute: { metadata: base, spec: { ...shared, rules: [{ matches, backendRefs }] } } };
}
