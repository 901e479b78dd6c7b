import type { types } from "@pulumi/kubernetes";
import { portsOf, transportOf, type NamedPort } from "../service/ports.ts";
import type { Service } from "../service/service.ts";

/** The ports of a service as its Services have them. */
export function servicePorts(service: Service): types.input.core.v1.ServicePort[] {
  return portsOf(service).map(servicePort);
}

/** What gRPC is without TLS has a name of Kubernetes' own. Source: https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol */
function servicePort(port: NamedPort): types.input.core.v1.ServicePort {
  return {
    name: port.name,
    port: port.port,
    targetPort: port.name,
    protocol: transportOf(port),
    ...(port.protocol === "gRPC" ? { appProtocol: "kubernetes.io/h2c" } : {}),
  };
}
