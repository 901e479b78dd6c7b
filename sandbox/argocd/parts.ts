import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import type { ProcessSpec } from "../process.ts";
import type { ArgoCdFolders, ArgoCdTools } from "./folders.ts";

/** Ports of the parts, all on 127.0.0.1 but the controller's, whose metrics listen on every address. */
export interface ArgoCdPorts {
  redis: number;
  repoServer: number;
  repoServerMetrics: number;
  controllerMetrics: number;
  applicationSetMetrics: number;
  applicationSetWebhook: number;
}

export interface PartsOptions {
  tools: ArgoCdTools;
  folders: ArgoCdFolders;
  ports: ArgoCdPorts;
  redisPassword: string;
}

/** The cache of the other parts. */
export function redis({ tools, ports, redisPassword }: PartsOptions): ProcessSpec {
  return {
    name: "argocd-redis",
    command: tools.redis,
    args: [`127.0.0.1:${ports.redis}`],
    env: { REDIS_PASSWORD: redisPassword },
    ready: () => accepts(ports.redis),
  };
}

/** Clones the repositories and runs kustomize. It needs nothing of the cluster. */
export function repoServer({ folders, ports, redisPassword }: PartsOptions): ProcessSpec {
  return {
    name: "argocd-repo-server",
    command: join(folders.bin, "argocd-repo-server"),
    args: [
      "--address=127.0.0.1",
      `--port=${ports.repoServer}`,
      "--metrics-address=127.0.0.1",
      `--metrics-port=${ports.repoServerMetrics}`,
      `--redis=127.0.0.1:${ports.redis}`,
      // On the loopback interface; with a client authority, its default, it would insist on TLS.
      "--disable-tls",
      "--client-ca-path=",
      "--logformat=text",
    ],
    env: {
      ...environmentOf(folders),
      REDIS_PASSWORD: redisPassword,
      ARGOCD_GNUPGHOME: folders.gpgKeys,
      ARGOCD_GPG_DATA_PATH: folders.gpgSource,
      ARGOCD_GPG_ENABLED: "false",
      ARGOCD_PLUGINSOCKFILEPATH: folders.plugins,
      ARGOCD_ASK_PASS_SOCK: folders.askPassSocket,
      // The machine's own Git settings must not shape what is deployed.
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
    },
    ready: () => answers(ports.repoServerMetrics, "/healthz"),
  };
}

/** Compares Applications with what runs, and makes it so. */
export function controller(options: PartsOptions, cluster: { kubeconfigPath: string; namespace: string }): ProcessSpec {
  const { folders, ports, redisPassword } = options;
  return {
    name: "argocd-application-controller",
    command: join(folders.bin, "argocd-application-controller"),
    args: [
      `--kubeconfig=${cluster.kubeconfigPath}`,
      `--namespace=${cluster.namespace}`,
      `--redis=127.0.0.1:${ports.redis}`,
      `--repo-server=127.0.0.1:${ports.repoServer}`,
      "--repo-server-plaintext",
      `--metrics-port=${ports.controllerMetrics}`,
      "--logformat=text",
    ],
    env: {
      ...environmentOf(folders),
      REDIS_PASSWORD: redisPassword,
      // "https://kubernetes.default.svc" then means the cluster of the kubeconfig.
      ARGOCD_FAKE_IN_CLUSTER: "true",
      KUBECONFIG: cluster.kubeconfigPath,
    },
    ready: () => answers(ports.controllerMetrics, "/healthz"),
  };
}

/** Makes the Applications of ApplicationSets. */
export function applicationSetController(
  options: PartsOptions,
  cluster: { kubeconfigPath: string; namespace: string },
): ProcessSpec {
  const { folders, ports } = options;
  return {
    name: "argocd-applicationset-controller",
    command: join(folders.bin, "argocd-applicationset-controller"),
    args: [
      `--kubeconfig=${cluster.kubeconfigPath}`,
      `--namespace=${cluster.namespace}`,
      `--argocd-repo-server=127.0.0.1:${ports.repoServer}`,
      "--repo-server-plaintext",
      `--metrics-addr=127.0.0.1:${ports.applicationSetMetrics}`,
      `--webhook-addr=127.0.0.1:${ports.applicationSetWebhook}`,
      // It would tell no more than the metrics do.
      "--probe-addr=0",
      "--logformat=text",
    ],
    env: { ...environmentOf(folders), KUBECONFIG: cluster.kubeconfigPath },
    ready: () => answers(ports.applicationSetMetrics, "/metrics"),
  };
}

function environmentOf(folders: ArgoCdFolders): Record<string, string> {
  return {
    PATH: `${folders.bin}:${process.env["PATH"] ?? ""}`,
    HOME: folders.home,
    TMPDIR: folders.temporary,
    ARGOCD_SSH_DATA_PATH: folders.ssh,
    ARGOCD_TLS_DATA_PATH: folders.tls,
  };
}

/** (Not by fetch(), which refuses some ports.) */
function answers(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: "127.0.0.1", port, path, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on("timeout", () => resolve(false))
      .on("error", () => resolve(false))
      .end();
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: 2000 });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once("connect", () => end(true))
      .once("error", () => end(false))
      .once("timeout", () => end(false));
  });
}
