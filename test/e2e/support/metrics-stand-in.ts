import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isNotFound } from "../../../kubernetes/errors.ts";
import { ensureCertificates } from "../../../sandbox/machine/cluster/certificates.ts";

const groupVersion = "metrics.k8s.io/v1beta1";
const apiServices = "/apis/apiregistration.k8s.io/v1/apiservices";
const services = "/api/v1/namespaces/kube-system/services";
const apiService = "v1beta1.metrics.k8s.io";
const service = "metrics-stand-in";

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), namespace: z.string() }),
      spec: z.object({ containers: z.array(z.object({ name: z.string() })) }),
    }),
  ),
});

/** Stands in for a metrics server: every container uses as much CPU as a test says. */
export interface MetricsStandIn extends AsyncDisposable {
  /** Of each container, in thousandths of a core. */
  millicores: number;
}

/** Registers the API of metrics at the API server, and serves it on this machine's loopback interface. */
export async function startMetrics(kubernetes: KubernetesClient, stateDir: string): Promise<MetricsStandIn> {
  const names = { apiServer: ["localhost"], kubelet: [] };
  const { certificate, key } = ensureCertificates(join(stateDir, "metrics-stand-in"), names).apiServer;
  const tls = { cert: readFileSync(certificate), key: readFileSync(key) };
  const server = createServer(tls, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "https://localhost");
    void answer(pathname, searchParams.get("labelSelector") ?? "").then(
      (body) =>
        response
          .writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
          .end(JSON.stringify(body ?? {})),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  // A listening server on TCP has such an address.
  const { port } = server.address() as AddressInfo;

  async function answer(path: string, labelSelector: string): Promise<object | undefined> {
    if (path === `/apis/${groupVersion}`) {
      const pods = { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] };
      return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: [pods] };
    }
    const namespace = new RegExp(`^/apis/${groupVersion}/namespaces/([^/]+)/pods$`).exec(path)?.[1];
    if (namespace === undefined) return undefined;
    const { items } = podsSchema.parse(
      await kubernetes.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query: { labelSelector } }),
    );
    const usage = { cpu: `${standIn.millicores}m`, memory: "10Mi" };
    return {
      kind: "PodMetricsList",
      apiVersion: groupVersion,
      metadata: {},
      items: items.map(({ metadata, spec }) => ({
        metadata: { name: metadata.name, namespace: metadata.namespace },
        timestamp: new Date().toISOString(),
        window: "1s",
        containers: spec.containers.map(({ name }) => ({ name, usage })),
      })),
    };
  }

  const remove = async (): Promise<void> => {
    for (const path of [`${apiServices}/${apiService}`, `${services}/${service}`])
      await kubernetes.request("DELETE", path).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  };
  const standIn: MetricsStandIn = {
    millicores: 0,
    [Symbol.asyncDispose]: async () => {
      await remove();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  // What a killed run has left.
  await remove();
  await kubernetes.request("POST", services, {
    body: { metadata: { name: service }, spec: { type: "ExternalName", externalName: "localhost" } },
  });
  await kubernetes.request("POST", apiServices, {
    body: {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: apiService },
      spec: {
        group: "metrics.k8s.io",
        version: "v1beta1",
        service: { namespace: "kube-system", name: service, port },
        insecureSkipTLSVerify: true,
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    },
  });
  return standIn;
}
