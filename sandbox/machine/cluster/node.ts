import { mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { writePrivate } from "../private-file.ts";
import { frugalGo, runningProcess, startProcess } from "../process.ts";
import type { ClusterAddresses } from "./addresses.ts";
import { applyObject, ensureNodeKind, nodeName, readNode } from "./api.ts";
import type { Certificates } from "./certificates.ts";
import { createCgroup } from "./cgroups.ts";
import { users, writeKubeconfig, type UserName } from "./kubeconfig.ts";
import { insideNode, nodeFolder } from "./namespaces.ts";
import {
  cniConfig,
  cniFolders,
  containerdConfig,
  corefile,
  kubeletConfig,
  nodePorts,
  proxyConfig,
  registryHosts,
} from "./node-config.ts";
import { importImage, snapshotterFor } from "./node-images.ts";
import { pauseImageArchive } from "./pause-image.ts";

/** Binaries of the node. */
interface NodeTools {
  kube: string;
  coredns: string;
  containerd: string;
  runc: string;
  cniBinDir: string;
  nft: string;
}

export interface RealNodeOptions {
  stateDir: string;
  tools: NodeTools;
  /** Process whose namespaces the node lives in. */
  namespacesOf: number;
  addresses: ClusterAddresses;
  cgroup: string;
  certificates: Certificates;
  tokens: Record<UserName, string>;
  /** Of the API server, as the node reaches it. */
  server: string;
  /** The registry: by which name images call it, and where the node finds it. */
  registry: { host: string; url: string };
}

/** Starts containerd, which needs no API server: so it overlaps with the start of the control plane. */
export async function startContainerRuntime(options: RealNodeOptions): Promise<void> {
  const { stateDir, tools, registry } = options;
  const folder = join(stateDir, "node");
  linkPlugins(tools.cniBinDir, join(folder, cniFolders.plugins));
  for (const name of ["pod-logs", "containerd"]) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  const snapshotter = snapshotterFor(folder);
  writePrivate(join(folder, "certs.d", registry.host, "hosts.toml"), registryHosts(registry.url));
  writePrivate(
    join(folder, cniFolders.networks, "10-sandbox.conflist"),
    JSON.stringify(cniConfig(options.addresses), null, 2),
  );
  writePrivate(join(folder, "containerd.toml"), containerdConfig({ runc: tools.runc, snapshotter }));
  writePrivate(join(folder, "pause.tar"), await pauseImageArchive(process.arch));
  await startProcess(stateDir, {
    name: "containerd",
    command: tools.containerd,
    args: ["--config", `${nodeFolder}/containerd.toml`],
    env: nodeEnvironment(tools),
    namespacesOf: options.namespacesOf,
    ready: async () => {
      await importImage(options, `${nodeFolder}/pause.tar`);
    },
  });
}

/** In a folder of the sandbox's own, so that there can be further ones. */
function linkPlugins(from: string, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(from)) {
    rmSync(join(folder, name), { force: true });
    symlinkSync(join(from, name), join(folder, name));
  }
}

/** Starts kubelet, kube-proxy and CoreDNS; resolves when the node is Ready and DNS answers. */
export async function startNodeServices(options: RealNodeOptions, api: KubernetesClient): Promise<void> {
  await Promise.all([
    startKubelet(options, api),
    startProxy(options),
    startDns({ ...options, kubeconfig: kubeconfigOf(options, "coredns") }, api),
  ]);
}

async function startKubelet(options: RealNodeOptions, api: KubernetesClient): Promise<void> {
  const { stateDir, tools, certificates, addresses } = options;
  await ensureNodeKind(api, "real");
  createCgroup(stateDir, options.cgroup);
  const folder = join(stateDir, "node");
  mkdirSync(join(folder, "kubelet"), { recursive: true, mode: 0o700 });
  const inside = (path: string): string => insideNode(stateDir, path);
  const { certificate, key } = certificates.kubelet;
  const config = kubeletConfig({
    addresses,
    cgroup: options.cgroup,
    certificate: inside(certificate),
    key: inside(key),
    authority: inside(certificates.authority.certificate),
  });
  writePrivate(join(folder, "kubelet.json"), JSON.stringify(config, null, 2));
  await startProcess(stateDir, {
    name: "kubelet",
    command: tools.kube,
    args: [
      "kubelet",
      `--config=${nodeFolder}/kubelet.json`,
      `--kubeconfig=${kubeconfigOf(options, "kubelet")}`,
      `--root-dir=${nodeFolder}/kubelet`,
      `--cert-dir=${nodeFolder}/kubelet/pki`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${addresses.node}`,
    ],
    env: nodeEnvironment(tools),
    namespacesOf: options.namespacesOf,
    ready: () => isNodeReady(stateDir, api),
  });
}

async function startProxy(options: RealNodeOptions): Promise<void> {
  const { stateDir, tools, addresses } = options;
  const config = proxyConfig({ addresses, kubeconfig: kubeconfigOf(options, "proxy") });
  writePrivate(join(stateDir, "node", "kube-proxy.json"), JSON.stringify(config, null, 2));
  await startProcess(stateDir, {
    name: "kube-proxy",
    command: tools.kube,
    args: ["kube-proxy", `--config=${nodeFolder}/kube-proxy.json`],
    env: nodeEnvironment(tools),
    namespacesOf: options.namespacesOf,
    ready: async () => (await fetch(`http://${addresses.node}:${nodePorts.proxyHealth}/livez`)).ok,
  });
}

/** Whether the kubelet that runs now has reported the node as ready: after a crash the API server still has the last report. */
async function isNodeReady(stateDir: string, api: KubernetesClient): Promise<boolean> {
  const node = await readNode(api);
  const kubelet = runningProcess(stateDir, "kubelet");
  return node?.ready === true && kubelet !== undefined && node.heartbeat.getTime() + 1000 > kubelet.startedAt.getTime();
}

function kubeconfigOf(options: RealNodeOptions, user: UserName): string {
  const authority = options.certificates.authority.certificate;
  const path = join(options.stateDir, "cluster", `${user}.kubeconfig`);
  return insideNode(options.stateDir, writeKubeconfig(path, options.server, authority, options.tokens[user]));
}

function nodeEnvironment(tools: NodeTools): Record<string, string> {
  const folders = [tools.containerd, tools.runc, tools.nft].map((path) => dirname(path));
  return {
    ...frugalGo,
    PATH: [
      ...new Set([...folders, ...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
    ].join(":"),
  };
}

/** What CoreDNS needs. */
interface DnsOptions {
  stateDir: string;
  tools: { coredns: string };
  /** Process whose namespaces the node lives in. */
  namespacesOf: number;
  addresses: ClusterAddresses;
  /** Path within the node's mount namespace. */
  kubeconfig: string;
}

/** Starts CoreDNS on the node's own address; resolves when it knows the Services of the cluster. */
async function startDns(options: DnsOptions, api: KubernetesClient): Promise<void> {
  const { stateDir, tools, addresses, kubeconfig } = options;
  await allowDnsToRead(api);
  writePrivate(join(stateDir, "node", "Corefile"), corefile({ addresses, kubeconfig }));
  await startProcess(stateDir, {
    name: "coredns",
    command: tools.coredns,
    args: ["-conf", `${nodeFolder}/Corefile`],
    env: frugalGo,
    namespacesOf: options.namespacesOf,
    ready: async () => (await fetch(`http://${addresses.node}:${nodePorts.dnsReady}/ready`)).ok,
  });
}

async function allowDnsToRead(api: KubernetesClient): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const name = "sandbox:coredns";
  const verbs = ["list", "watch"];
  await applyObject(api, `/apis/${group}/v1/clusterroles/${name}`, {
    apiVersion: `${group}/v1`,
    kind: "ClusterRole",
    metadata: { name },
    rules: [
      { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs },
    ],
  });
  await applyObject(api, `/apis/${group}/v1/clusterrolebindings/${name}`, {
    apiVersion: `${group}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: group, kind: "ClusterRole", name },
    subjects: [{ apiGroup: group, kind: "User", name: users.coredns.user }],
  });
}
