import type { types } from "@pulumi/kubernetes";
import type { Service } from "../service/service.ts";
import { exposedPath, exposedPort, ownHost } from "../service/exposure.ts";
import { metadata, type Environment } from "./metadata.ts";

/** An ingress controller, as the stack file declares it. */
export interface IngressSettings {
  readonly className: string;
  readonly domain: string;
  readonly namespace: string;
  readonly clusterIssuer?: string | undefined;
}

/** The host of an exposed service: its own, or `<service>.<domain>`. */
export function ingressHost(service: Service, settings: IngressSettings): string {
  return ownHost(service) ?? `${service.name}.${settings.domain}`;
}

/** The Ingress of an exposed service, with TLS where a ClusterIssuer gives certificates. */
export function ingress(
  environment: Environment,
  service: Service,
  settings: IngressSettings,
): types.input.networking.v1.Ingress {
  const host = ingressHost(service, settings);
  const path = exposedPath(service);
  const base = metadata(environment, service.name);
  const issuer = settings.clusterIssuer;
  return {
    metadata: {
      ...base,
      ...(issuer === undefined ? {} : { annotations: { "cert-manager.io/cluster-issuer": issuer } }),
    },
    spec: {
      ingressClassName: settings.className,
      ...(issuer === undefined ? {} : { tls: [{ hosts: [host], secretName: `${service.name}-tls` }] }),
      rules: [
        {
          host,
          http: {
            paths: [
              {
                path,
                pathType: "Prefix",
                backend: {
                  service: { name: service.name, port: { name: exposedPort(service)?.name ?? "http" } },
                },
              },
            ],
          },
        },
      ],
    },
  };
}
