import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { choosePort } from "../ports.ts";
import { writePrivate } from "../private-file.ts";
import { frugalGo, startProcess } from "../process.ts";
import type { MetricsTools } from "../tools/debian-metrics.ts";

interface MetricsOptions {
  readonly stateDir: string;
  readonly tools: MetricsTools;
  readonly kubeconfigPath: string;
  /** Where its server listens on the loopback. */
  readonly port: number;
  /** Whose pods are asked. */
  readonly namespace: string;
  readonly service: string;
}

/** How often each pod is asked. */
const interval = "1s";

/**
 * VictoriaMetrics, a server with Prometheus' API, and Prometheus' blackbox exporter, which asks each pod of a service that is ready
 * for its first page, as users do: `probe_success{pod="…"}`.
 */
export async function startMetrics(options: MetricsOptions): Promise<void> {
  const { stateDir, tools, port } = options;
  const directory = join(stateDir, "metrics");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const exporterPort = await choosePort(stateDir, "blackbox-exporter", 9115);
  // JSON is YAML.
  const modules = { page: { prober: "http", timeout: "900ms", http: { preferred_ip_protocol: "ip4" } } };
  const exporterFile = writePrivate(join(directory, "blackbox.yaml"), JSON.stringify({ modules }));
  const file = writePrivate(join(directory, "scrape.yaml"), JSON.stringify(configOf(options, exporterPort)));
  const ready = (asked: number, path: string) => async () => (await fetch(`http://127.0.0.1:${asked}${path}`)).ok;
  await Promise.all([
    startProcess(stateDir, {
      name: "blackbox-exporter",
      command: tools.blackboxExporter,
      args: [`--config.file=${exporterFile}`, `--web.listen-address=127.0.0.1:${exporterPort}`],
      env: frugalGo,
      ready: ready(exporterPort, "/-/healthy"),
    }),
    startProcess(stateDir, {
      name: "victoria-metrics",
      command: tools.victoriaMetrics,
      args: [
        `-promscrape.config=${file}`,
        // A pod is asked as soon as it is ready, and what it has answered is seen at once.
        "-promscrape.kubernetesSDCheckInterval=1s",
        "-search.latencyOffset=0s",
        `-httpListenAddr=127.0.0.1:${port}`,
        `-storageDataPath=${join(directory, "data")}`,
        "-retentionPeriod=1d",
        "-memory.allowedBytes=64MB",
      ],
      env: frugalGo,
      ready: ready(port, "/health"),
    }),
  ]);
}

/** Source: https://prometheus.io/docs/guides/multi-target-exporter/ */
function configOf({ kubeconfigPath, namespace, service }: MetricsOptions, exporterPort: number) {
  const pods = {
    role: "pod",
    kubeconfig_file: kubeconfigPath,
    namespaces: { names: [namespace] },
    selectors: [{ role: "pod", label: `app.kubernetes.io/name=${service}` }],
  };
  return {
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: [
      {
        job_name: "pages",
        metrics_path: "/probe",
        params: { module: ["page"] },
        kubernetes_sd_configs: [pods],
        relabel_configs: [
          { source_labels: ["__meta_kubernetes_pod_ready"], regex: "true", action: "keep" },
          { source_labels: ["__address__"], replacement: "http://$1/", target_label: "__param_target" },
          { source_labels: ["__meta_kubernetes_pod_name"], target_label: "pod" },
          { replacement: `127.0.0.1:${exporterPort}`, target_label: "__address__" },
        ],
      },
    ],
  };
}
