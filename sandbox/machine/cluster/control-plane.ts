import { mkdirSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { choosePort } from "../ports.ts";
import { frugalGo, startProcess } from "../process.ts";
import { apiClient } from "./api.ts";
import type { Certificates } from "./certificates.ts";
import { writeKubeconfig, type UserName } from "./kubeconfig.ts";

/** What the control plane is made of, and where it listens. */
export interface ControlPlaneOptions {
  stateDir: string;
  /** Paths of the binaries. */
  tools: { kube: string; etcd: string };
  certificates: Certificates;
  tokenFile: string;
  tokens: Record<UserName, string>;
  /** Address on which the API server listens: one that the node can reach. */
  address: string;
  port: number;
  serviceRange: string;
  /** Whether Service `kubernetes` leads to the API server: pods that are real may call it. */
  publishEndpoint: boolean;
}

/** Starts etcd and the API server; resolves when it is ready, with a client for its administrator. */
export async function startApi(options: ControlPlaneOptions): Promise<KubernetesClient> {
  const { certificates, tokens } = options;
  const api = apiClient(serverOf(options), certificates.authority.certificate, tokens.admin);
  const ports = await chooseEtcdPorts(options.stateDir);
  // The API server waits for etcd by itself: both start at once.
  await Promise.all([startEtcd(options, ports), startApiServer(options, ports.client, api)]);
  return api;
}

function serverOf({ address, port }: ControlPlaneOptions): string {
  return `https://${address}:${port}`;
}

/** Starts controller manager and scheduler; resolves when both are ready. */
export async function startControllers(options: ControlPlaneOptions): Promise<void> {
  await Promise.all([startControllerManager(options), startScheduler(options)]);
}

async function startApiServer(options: ControlPlaneOptions, etcdPort: number, api: KubernetesClient): Promise<void> {
  const { stateDir, tools, certificates } = options;
  await startProcess(stateDir, {
    name: "kube-apiserver",
    command: tools.kube,
    args: [
      "kube-apiserver",
      `--bind-address=${options.address}`,
      `--advertise-address=${options.address}`,
      `--secure-port=${options.port}`,
      `--etcd-servers=https://127.0.0.1:${etcdPort}`,
      `--etcd-cafile=${certificates.authority.certificate}`,
      `--etcd-certfile=${certificates.etcd.certificate}`,
      `--etcd-keyfile=${certificates.etcd.key}`,
      `--tls-cert-file=${certificates.apiServer.certificate}`,
      `--tls-private-key-file=${certificates.apiServer.key}`,
      `--client-ca-file=${certificates.authority.certificate}`,
      `--token-auth-file=${options.tokenFile}`,
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction,PodSecurity,ServiceAccount",
      "--allow-privileged=true",
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      `--service-account-key-file=${certificates.serviceAccount.publicKey}`,
      `--service-account-signing-key-file=${certificates.serviceAccount.privateKey}`,
      `--service-cluster-ip-range=${options.serviceRange}`,
      `--endpoint-reconciler-type=${options.publishEndpoint ? "lease" : "none"}`,
      `--kubelet-certificate-authority=${certificates.authority.certificate}`,
      `--kubelet-client-certificate=${certificates.kubeletClient.certificate}`,
      `--kubelet-client-key=${certificates.kubeletClient.key}`,
      "--kubelet-preferred-address-types=InternalIP",
      "--profiling=false",
    ],
    env: frugalGo,
    // It refuses the request as long as it is not ready.
    ready: async () => void (await api.request("GET", "/readyz")),
  });
}

async function startControllerManager(options: ControlPlaneOptions): Promise<void> {
  const { stateDir, certificates } = options;
  await startComponent(options, "kube-controller-manager", "controller-manager", 10257, [
    "--use-service-account-credentials=true",
    // With the usual limits it would take seconds to create the accounts of its controllers.
    "--kube-api-qps=500",
    "--kube-api-burst=500",
    // Someone watches: by default an autoscaler looks four times a minute.
    "--horizontal-pod-autoscaler-sync-period=3s",
    `--service-account-private-key-file=${certificates.serviceAccount.privateKey}`,
    `--root-ca-file=${certificates.authority.certificate}`,
    `--cluster-signing-cert-file=${certificates.authority.certificate}`,
    `--cluster-signing-key-file=${certificates.authority.key}`,
    // Its default folder is the system's, outside of the sandbox.
    `--flex-volume-plugin-dir=${join(stateDir, "cluster", "volume-plugins")}`,
  ]);
}

async function startScheduler(options: ControlPlaneOptions): Promise<void> {
  await startComponent(options, "kube-scheduler", "scheduler", 10259, []);
}

async function startComponent(
  options: ControlPlaneOptions,
  name: string,
  user: UserName,
  preferredPort: number,
  args: string[],
): Promise<void> {
  const { stateDir, tools, certificates, tokens } = options;
  const port = await choosePort(stateDir, name, preferredPort);
  const kubeconfig = writeKubeconfig(
    join(stateDir, "cluster", `${user}.kubeconfig`),
    serverOf(options),
    certificates.authority.certificate,
    tokens[user],
  );
  await startProcess(stateDir, {
    name,
    command: tools.kube,
    args: [
      name,
      `--kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      "--bind-address=127.0.0.1",
      `--secure-port=${port}`,
      "--profiling=false",
      ...args,
    ],
    env: frugalGo,
    ready: () => isHealthy(port),
  });
}

/** Whether a component says that it is healthy; its certificate, which it has signed itself, is not checked. */
function isHealthy(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port, path: "/healthz", rejectUnauthorized: false, agent: false, timeout: 2000 },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer within 2 s")));
    call.on("error", reject);
    call.end();
  });
}

/** Ports of etcd on the loopback interface. */
interface EtcdPorts {
  client: number;
  peer: number;
  /** Answers health checks, without TLS; holds no data. */
  health: number;
}

async function chooseEtcdPorts(stateDir: string): Promise<EtcdPorts> {
  return {
    client: await choosePort(stateDir, "etcd", 2379),
    peer: await choosePort(stateDir, "etcd-peer", 2380),
    health: await choosePort(stateDir, "etcd-health", 2381),
  };
}

/** Starts the cluster's database; resolves when it is healthy. */
async function startEtcd(
  options: { stateDir: string; tools: { etcd: string }; certificates: Certificates },
  ports: EtcdPorts,
): Promise<void> {
  const { stateDir, tools, certificates } = options;
  const dataDir = join(stateDir, "etcd");
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const url = `https://127.0.0.1:${ports.client}`;
  const peerUrl = `https://127.0.0.1:${ports.peer}`;
  const healthUrl = `http://127.0.0.1:${ports.health}`;
  const { certificate, key } = certificates.etcd;
  const authority = certificates.authority.certificate;
  await startProcess(stateDir, {
    name: "etcd",
    command: tools.etcd,
    args: [
      "--name=sandbox",
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=sandbox=${peerUrl}`,
      `--listen-metrics-urls=${healthUrl}`,
      // Without client certificates every local user could read the cluster's Secrets.
      "--client-cert-auth",
      `--trusted-ca-file=${authority}`,
      `--cert-file=${certificate}`,
      `--key-file=${key}`,
      "--peer-client-cert-auth",
      `--peer-trusted-ca-file=${authority}`,
      `--peer-cert-file=${certificate}`,
      `--peer-key-file=${key}`,
      // A sandbox need not wait for the disk: it may lose its last seconds when the machine loses power.
      "--unsafe-no-fsync",
      "--auto-compaction-retention=1h",
      "--log-level=warn",
    ],
    env: frugalGo,
    ready: async () => (await fetch(`${healthUrl}/health`)).ok,
  });
}
