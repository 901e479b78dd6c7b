import type { Problem } from "../../core/problem.ts";
import { exposedPath, exposedPort, ownHost } from "./exposure.ts";
import type { Service } from "./service.ts";

/** By what services are reached from outside, as the stack file says it. */
export interface WayIn {
  readonly gateway?: { readonly domain: string } | undefined;
  readonly ingress?: { readonly domain: string } | undefined;
}

interface Claim {
  readonly service: Service;
  readonly host: string;
  readonly path: string;
  readonly isGrpc: boolean;
}

/**
 * Services that take the same requests from outside: which of them gets these is left to the Gateway or the controller, and
 * often the older one does.
 * @param locationOf where a service says that it is exposed
 */
export function hostConflicts(
  services: readonly Service[],
  way: WayIn,
  locationOf: (service: Service) => string,
): Problem[] {
  const domain = (way.gateway ?? way.ingress)?.domain;
  const claims = services.flatMap((service): Claim[] => {
    const port = exposedPort(service);
    const host = ownHost(service) ?? (domain === undefined ? undefined : `${service.name}.${domain}`);
    if (port === undefined || host === undefined) return [];
    const path = exposedPath(service).replace(/(.)\/$/, "$1");
    return [{ service, host, path, isGrpc: port.protocol === "gRPC" }];
  });
  // A Gateway may serve a host by HTTPRoutes or by GRPCRoutes, and not by both.
  const isSame = (one: Claim, other: Claim): boolean =>
    one.path === other.path || (way.gateway !== undefined && (one.isGrpc || other.isGrpc));
  return [...Map.groupBy(claims, ({ host }) => host)].flatMap(([host, sharing]) =>
    sharing.flatMap((claim, index) => {
      const other = sharing.slice(0, index).find((before) => isSame(before, claim));
      if (other === undefined) return [];
      const what =
        claim.path === other.path ? `${host}${claim.path}` : `${host}, which is for gRPC or for HTTP and not for both`;
      const message = `${what} is taken by ${other.service.name} (${locationOf(other.service)}); give one of them another host${claim.isGrpc || other.isGrpc ? "" : " or path"}`;
      return [{ location: locationOf(claim.service), message }];
    }),
  );
}
