import { join } from "node:path";
import { conditionOf, numberAt } from "../../../kubernetes/object.ts";
import { applyObject } from "../cluster/api.ts";
import { defineKinds } from "../cluster/definitions.ts";
import { kubernetesClient } from "../kubernetes-client.ts";
import { choosePort } from "../ports.ts";
import { frugalGo, startProcess, stopProcess } from "../process.ts";

export interface GatewayOptions {
  stateDir: string;
  /** Traefik's binary, and the definitions of the Gateway API. */
  tools: { traefik: string; "gateway-files": string };
  kubeconfigPath: string;
  /** Whose routes its listener takes: `allowedRoutes.namespaces`. */
  namespaces: Readonly<Record<string, unknown>>;
}

/** The Gateway that services share, as `cluster.gateway` of a stack file names it. */
export interface GatewayEndpoint {
  name: string;
  namespace: string;
  listener: string;
  /** Of this machine's loopback. */
  port: number;
}

const processName = "traefik";
const shared = { name: "public", namespace: "gateway-system", listener: "http" } as const;
const api = "/apis/gateway.networking.k8s.io/v1";
const gatewayPath = `${api}/namespaces/${shared.namespace}/gateways/${shared.name}`;
const preferredPort = 8480;

/**
 * Gives the cluster the Gateway API and a Gateway, whose controller and proxy is Traefik, as a process of this machine. What runs
 * already with the same settings is kept.
 */
export async function startGateway(options: GatewayOptions): Promise<GatewayEndpoint> {
  const { stateDir, tools, kubeconfigPath, namespaces } = options;
  const client = kubernetesClient(kubeconfigPath);
  const port = await choosePort(stateDir, processName, preferredPort);
  await defineKinds(client, join(tools["gateway-files"], "config", "crd", "standard"), api);
  await applyObject(client, `/api/v1/namespaces/${shared.namespace}`, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: shared.namespace },
  });
  await applyObject(client, `${api}/gatewayclasses/traefik`, {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "GatewayClass",
    metadata: { name: "traefik" },
    spec: { controllerName: "traefik.io/gateway-controller" },
  });
  const listener = { name: shared.listener, port, protocol: "HTTP", allowedRoutes: { namespaces: { ...namespaces } } };
  await applyObject(client, gatewayPath, {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    metadata: { name: shared.name, namespace: shared.namespace },
    // Traefik finds the listener's entry point by its port.
    spec: { gatewayClassName: "traefik", listeners: [listener] },
  });
  await startProcess(stateDir, {
    name: processName,
    command: tools.traefik,
    args: [
      `--entryPoints.http.address=127.0.0.1:${port}`,
      "--providers.kubernetesGateway=true",
      "--providers.kubernetesGateway.statusAddress.ip=127.0.0.1",
      "--global.checkNewVersion=false",
      "--global.sendAnonymousUsage=false",
      "--log.level=INFO",
    ],
    env: { ...frugalGo, KUBECONFIG: kubeconfigPath },
    ready: async () => {
      const gateway = await client.request("GET", gatewayPath);
      const accepted = conditionOf(gateway, "Accepted");
      const isSeen = numberAt(accepted ?? {}, "observedGeneration") === numberAt(gateway, "metadata", "generation");
      return isSeen && accepted?.["status"] === "True";
    },
  });
  return { ...shared, port };
}

/** Stops the Gateway's process; its objects go with the cluster. */
export async function stopGateway(stateDir: string): Promise<void> {
  await stopProcess(stateDir, processName);
}
