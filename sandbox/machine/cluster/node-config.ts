import type { ClusterAddresses } from "./addresses.ts";
import { nodeName } from "./api.ts";
import { nodeFolder } from "./namespaces.ts";
import { pauseImageName } from "./pause-image.ts";

export const containerdSocket = "/run/containerd/containerd.sock";
/** Ports on the node's own address: no other process has it, so they are fixed. */
export const nodePorts = { kubelet: 10250, kubeletHealth: 10248, proxyHealth: 10256, dns: 53, dnsReady: 8181 } as const;

/** Of the node's folder: of the networks' files, containerd takes the first. */
export const cniFolders = { networks: "cni", plugins: "cni-plugins" } as const;

const clusterDomain = "cluster.local";

/** containerd's configuration (TOML, version 2: read by 1.5 and all later ones). */
export function containerdConfig(options: { runc: string; snapshotter: "overlayfs" | "native" }): string {
  const text = JSON.stringify;
  return `version = 2
root = ${text(`${nodeFolder}/containerd`)}
state = "/run/containerd"
# They look for devices and folders outside of the sandbox.
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
address = ${text(containerdSocket)}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = ${text(pauseImageName)}
# Without CAP_SYS_RESOURCE, as in many containers, runc fails otherwise.
restrict_oom_score_adj = true
stream_server_address = "127.0.0.1"
netns_mounts_under_state_dir = true
# Its profile would be loaded into the kernel of the whole machine, and stay there.
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = ${text(options.snapshotter)}
default_runtime_name = "runc"
# Layers that are unpacked are not kept a second time.
discard_unpacked_layers = true

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = ${text(options.runc)}
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = ${text(`${nodeFolder}/${cniFolders.plugins}`)}
conf_dir = ${text(`${nodeFolder}/${cniFolders.networks}`)}

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = ${text(`${nodeFolder}/certs.d`)}
`;
}

/** How containerd reaches the registry that image names call by its name on the host (TOML). */
export function registryHosts(url: string): string {
  return `server = ${JSON.stringify(url)}\n\n[host.${JSON.stringify(url)}]\ncapabilities = ["pull", "resolve"]\n`;
}

/**
 * The pods' network. Each pod has a link of its own to the node, which routes: on a bridge, answers between two pods would
 * pass by the translation of Service addresses unless the host loads a kernel module.
 * @param further plugins that are called after it, for each pod
 */
export function cniConfig(addresses: ClusterAddresses, further: readonly object[] = []): object {
  return {
    cniVersion: "1.0.0",
    name: "sandbox",
    plugins: [
      {
        type: "ptp",
        ipMasq: false,
        ipam: {
          type: "host-local",
          dataDir: "/run/pod-addresses",
          ranges: [[{ subnet: addresses.podRange }]],
          routes: [{ dst: "0.0.0.0/0" }],
        },
      },
      ...further,
    ],
  };
}

export function kubeletConfig(options: {
  addresses: ClusterAddresses;
  cgroup: string;
  certificate: string;
  key: string;
  authority: string;
}): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: options.addresses.node,
    port: nodePorts.kubelet,
    readOnlyPort: 0,
    healthzBindAddress: options.addresses.node,
    healthzPort: nodePorts.kubeletHealth,
    tlsCertFile: options.certificate,
    tlsPrivateKeyFile: options.key,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: options.authority },
    },
    authorization: { mode: "Webhook" },
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${options.cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDomain,
    clusterDNS: [options.addresses.node],
    resolvConf: "",
    podLogsDir: `${nodeFolder}/pod-logs`,
    // Its default folder is the system's, outside of the sandbox.
    volumePluginDir: `${nodeFolder}/volume-plugins`,
    // A developer's disk is often nearly full: pods go only when it is nearly unusable.
    evictionHard: {
      "memory.available": "50Mi",
      "nodefs.available": "1%",
      "imagefs.available": "1%",
      "nodefs.inodesFree": "1%",
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    serializeImagePulls: false,
    maxParallelImagePulls: 4,
    // Pods of a sandbox need not wait for one another.
    registryPullQPS: 0,
    enableDebuggingHandlers: true,
  };
}

/** Pods reach Services by the real kube-proxy; it leaves the limits of connection tracking alone, which are the machine's. */
export function proxyConfig(options: { addresses: ClusterAddresses; kubeconfig: string }): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: options.kubeconfig },
    clusterCIDR: options.addresses.podRange,
    hostnameOverride: nodeName,
    healthzBindAddress: `${options.addresses.node}:${nodePorts.proxyHealth}`,
    metricsBindAddress: "127.0.0.1:10249",
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    nftables: { minSyncPeriod: "0s" },
  };
}

/** CoreDNS resolves names of the cluster only: a sandbox reaches nothing outside of it. */
export function corefile(options: { addresses: ClusterAddresses; kubeconfig: string }): string {
  return `${clusterDomain}:${nodePorts.dns} in-addr.arpa:${nodePorts.dns} {
    bind ${options.addresses.node}
    errors
    ready ${options.addresses.node}:${nodePorts.dnsReady}
    kubernetes ${clusterDomain} in-addr.arpa {
        kubeconfig ${JSON.stringify(options.kubeconfig)}
        pods insecure
        ttl 5
    }
}
`;
}
