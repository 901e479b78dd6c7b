import { createHash } from "node:crypto";
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { choosePort } from "../ports.ts";
import { runningPid, stopProcess } from "../process.ts";
import { addressesOf, chooseAddresses, type ClusterAddresses } from "./addresses.ts";
import { ensureCertificates } from "./certificates.ts";
import { removeCgroup } from "./cgroups.ts";
import { startApi, startControllers, type ControlPlaneOptions } from "./control-plane.ts";
import { ensureTokens, writeKubeconfig } from "./kubeconfig.ts";
import { linkNode, podSupport, reachesHost, startNamespaces, type PodSupport } from "./namespaces.ts";
import { startContainerRuntime, startNodeServices, type RealNodeOptions } from "./node.ts";
import { registryRelay, startRelay } from "./relay.ts";
import { startSimulatedNode } from "./simulated-node.ts";

/** Where a running cluster is, and what its pods are. */
export interface ClusterEndpoint {
  /** Of the administrator; readable by its owner only. */
  kubeconfigPath: string;
  /** For example "https://10.101.0.1:6443". */
  server: string;
  pods: "real" | "simulated";
  /** Why pods are simulated. */
  reason?: string;
  /** Address at which pods reach the host. */
  hostAddress: string;
}

export interface ClusterOptions {
  /** Absolute path; all that the cluster writes is below it. */
  stateDir: string;
  /** Paths of the control plane's binaries. */
  tools: {
    kube: string;
    etcd: string;
    coredns: string;
    /** Asked for only where pods are simulated. */
    kwok: () => Promise<string>;
  };
  /** Paths of the node's binaries; without them pods are simulated. */
  node?: { containerd: string; runc: string; cniBinDir: string; nft: string; ip: string };
  /** The registry: as image names have it ("localhost:5001"), and where it listens on this host. */
  registry: { host: string; url: string };
  /** `auto`: real where the machine allows it. @default auto */
  pods?: "auto" | "simulated";
  /** Receives a line for each stage. */
  report: (line: string) => void;
}

/**
 * All processes that a cluster may consist of, in the order in which they stop. The namespaces come after the API server,
 * since it listens on the link that is removed with them.
 */
const processNames = {
  nodeServices: ["kubelet", "kube-proxy", "coredns", "containerd", "kwok"],
  controlPlane: ["kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"],
  network: [registryRelay, "node"],
} as const;

/**
 * Starts a cluster of one node, or finds it running. After a crash, or a reboot, it comes up again with the same state.
 *
 * @throws Error that names the process that failed, with the last lines of its log
 */
export async function startCluster(options: ClusterOptions): Promise<ClusterEndpoint> {
  mkdirSync(join(options.stateDir, "cluster"), { recursive: true, mode: 0o700 });
  const prepared = await prepareNode(options);
  const { addresses, support } = prepared;
  const address = support.pods === "real" ? addresses.host : "127.0.0.1";
  const certificates = ensureCertificates(join(options.stateDir, "cluster", "pki"), {
    apiServer: [
      "localhost",
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      "kubernetes.default.svc.cluster.local",
      "127.0.0.1",
      address,
      addresses.apiService,
    ],
    kubelet: [addresses.node],
  });
  const { file, tokens } = ensureTokens(join(options.stateDir, "cluster"));
  const control: ControlPlaneOptions = {
    ...options,
    certificates,
    tokenFile: file,
    tokens,
    address,
    port: await choosePort(options.stateDir, "kube-apiserver", 6443, address),
    serviceRange: addresses.serviceRange,
    publishEndpoint: support.pods === "real",
  };
  const server = `https://${address}:${control.port}`;
  options.report(`Kubernetes: starting the control plane at ${server}`);
  if (prepared.namespacesOf !== undefined && options.node) {
    const url = await startRelay({
      stateDir: options.stateDir,
      etcd: options.tools.etcd,
      name: registryRelay,
      url: options.registry.url,
      host: addresses.host,
    });
    const node: RealNodeOptions = {
      ...options,
      ...prepared,
      namespacesOf: prepared.namespacesOf,
      tools: { ...options.tools, ...options.node },
      certificates,
      tokens,
      server,
      registry: { host: options.registry.host, url },
    };
    const [api] = await Promise.all([startApi(control), startContainerRuntime(node)]);
    options.report("Kubernetes: starting the node (containerd, kubelet, kube-proxy, CoreDNS)");
    await Promise.all([startControllers(control), startNodeServices(node, api)]);
  } else {
    const [api, kwok] = await Promise.all([startApi(control), options.tools.kwok()]);
    options.report("Kubernetes: starting a simulated node (kwok)");
    await Promise.all([
      startControllers(control),
      startSimulatedNode(
        { stateDir: options.stateDir, kwok, authority: certificates.authority.certificate, tokens },
        api,
      ),
    ]);
  }
  const kubeconfigPath = writeKubeconfig(
    join(options.stateDir, "kubeconfig"),
    server,
    certificates.authority.certificate,
    tokens.admin,
  );
  return { kubeconfigPath, server, ...support, hostAddress: address };
}

/**
 * Stops the cluster and undoes what it changed on the machine: network link, routes, mounts, control groups. Files below
 * the state directory stay. Does nothing when there is none; works also when all its processes have been killed.
 *
 * @throws Error that names what is left, and how to remove it
 */
export async function stopCluster(stateDir: string): Promise<void> {
  for (const name of Object.values(processNames).flat()) await stopProcess(stateDir, name);
  const { link, cgroup } = namesOf(stateDir);
  await removeCgroup(stateDir, cgroup);
  // The kernel removes the link with the network namespace, soon after the last process in it.
  for (const deadline = Date.now() + 10_000; existsSync(`/sys/class/net/${link}`); await sleep(20)) {
    if (Date.now() > deadline)
      throw new Error(`The network link ${link} is still there: remove it with "ip link delete ${link}".`);
  }
}

interface PreparedNode {
  support: PodSupport;
  addresses: ClusterAddresses;
  cgroup: string;
  /** Process whose namespaces the node lives in, if pods are real. */
  namespacesOf?: number;
}

/** Decides whether pods are real, and if so makes the namespaces and their link to the host. */
async function prepareNode(options: ClusterOptions): Promise<PreparedNode> {
  const { stateDir, node } = options;
  const { link, cgroup } = namesOf(stateDir);
  const support = await supportOf(options, cgroup);
  if (support.pods === "simulated" || !node) {
    if (runs(stateDir, "node")) await stopCluster(stateDir);
    return { support, addresses: addressesOf(96), cgroup };
  }
  if (runs(stateDir, "kwok")) await stopCluster(stateDir);
  const addresses = chooseAddresses(stateDir, link);
  const namespacesOf = await startNamespaces(stateDir);
  await linkNode(node.ip, link, namespacesOf, addresses);
  if (await reachesHost(namespacesOf, addresses.host)) return { support, addresses, cgroup, namespacesOf };
  await stopCluster(stateDir);
  const reason = `the host's firewall does not let the node reach the host (allow input from ${addresses.node}, interface ${link})`;
  return { support: { pods: "simulated", reason }, addresses: addressesOf(96), cgroup };
}

async function supportOf(options: ClusterOptions, cgroup: string): Promise<PodSupport> {
  if (options.pods === "simulated") return { pods: "simulated", reason: "asked for" };
  if (!options.node)
    return { pods: "simulated", reason: "the binaries of a node (containerd, runc, nft, …) are not available" };
  return runs(options.stateDir, "node") ? { pods: "real" } : podSupport(options.stateDir, options.node, cgroup);
}

function runs(stateDir: string, process: string): boolean {
  return runningPid(stateDir, process) !== undefined;
}

/** Names on the machine that belong to this sandbox alone: two checkouts run side by side. */
function namesOf(stateDir: string): { link: string; cgroup: string } {
  const path = existsSync(stateDir) ? realpathSync(stateDir) : resolve(stateDir);
  const id = createHash("sha256").update(path).digest("hex").slice(0, 8);
  return { link: `sandbox${id}`, cgroup: `delivery-sandbox-${id}` };
}
