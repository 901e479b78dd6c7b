import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, relative } from "node:path";
import { errorMessage } from "../../../core/error.ts";
import { ProcessError } from "../../../core/process.ts";
import { run } from "../command.ts";
import { childrenOf } from "../process-identity.ts";
import { runningPid, startProcess } from "../process.ts";
import type { ClusterAddresses } from "./addresses.ts";
import { createCgroup, removeCgroup } from "./cgroups.ts";

/** Where the state directory appears within the node's mount namespace: short, since the paths of sockets are limited. */
const stateFolder = "/run/sandbox";

/** The node's data directory within its mount namespace. */
export const nodeFolder = `${stateFolder}/node`;

/** Path of a file of the state directory within the node's mount namespace. */
export function insideNode(stateDir: string, path: string): string {
  return join(stateFolder, relative(stateDir, path));
}

/**
 * What the kubelet insists on in /proc/sys, whose settings count for the whole machine. Files with these values are mounted
 * over them in the node's namespace, so that the kubelet leaves the machine's own settings alone.
 */
const kubeletTunables = {
  "vm/overcommit_memory": 1,
  "vm/panic_on_oom": 0,
  "kernel/panic": 10,
  "kernel/panic_on_oops": 1,
  "kernel/keys/root_maxkeys": 1_000_000,
  "kernel/keys/root_maxbytes": 25_000_000,
} as const;

/**
 * Some paths are fixed in the kubelet (/var/lib/kubelet, /var/log/containers) and in containerd (/var/lib/cni): what is
 * written there stays in memory and ends with the namespace. Needs the folders /run/overlay/upper and /run/overlay/work.
 */
const privateFolders = `
mount -t tmpfs -o mode=755 tmpfs /var/log
mount -t overlay -o lowerdir=/var/lib,upperdir=/run/overlay/upper,workdir=/run/overlay/work overlay /var/lib
`;

/**
 * The first process of the node's namespaces: it prepares the mounts, then waits and reaps orphaned processes. When it ends,
 * the kernel ends all processes in the namespace, and removes its mounts and its network.
 */
const initScript = `
set -e
mount --make-rshared /
cd "$1"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p ${stateFolder} /run/tunables /run/overlay/upper /run/overlay/work
mount --bind . ${stateFolder}
${privateFolders}
${Object.entries(kubeletTunables)
  .map(
    ([name, value], index) =>
      `echo ${value} > /run/tunables/${index}; [ ! -e /proc/sys/${name} ] || mount --bind /run/tunables/${index} /proc/sys/${name}`,
  )
  .join("\n")}
echo 1 > /proc/sys/net/ipv4/ip_forward
touch /run/prepared
trap 'exit 0' TERM
while :; do sleep 3600 & wait $!; done
`;

const holderName = "node";

/** Starts (or finds) the namespaces of the node. Returns the id of the process that others join. */
export async function startNamespaces(stateDir: string): Promise<number> {
  mkdirSync(join(stateDir, "node"), { recursive: true, mode: 0o700 });
  await startProcess(stateDir, {
    name: holderName,
    command: "unshare",
    args: [...unshareArgs, "sh", "-c", initScript, "init", stateDir],
    ready: async () => existsSync(`/proc/${namespacePid(stateDir)}/root/run/prepared`),
  });
  const pid = namespacePid(stateDir);
  if (pid === undefined)
    throw new Error(`The node's namespaces are gone again: see ${join(stateDir, "logs", `${holderName}.log`)}.`);
  return pid;
}

/** New network, mount and process namespaces; killing `unshare` kills its child, and so everything in them. */
const unshareArgs = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"] as const;

/** Joins host and node by a pair of virtual network devices, and routes pods and Services to the node. */
export async function linkNode(ip: string, link: string, pid: number, addresses: ClusterAddresses): Promise<void> {
  if (isLinked(link, pid, addresses)) return;
  if (existsSync(`/sys/class/net/${link}`)) await run(ip, ["link", "delete", "dev", link]);
  const { host, node, linkPrefix, podRange, serviceRange } = addresses;
  await run(ip, ["-batch", "-"], {
    input: joinLines(
      `link add name ${link} type veth peer name eth0 netns ${pid}`,
      `address add ${host}/${linkPrefix} dev ${link}`,
      `link set dev ${link} up`,
    ),
  });
  await run("nsenter", ["--target", String(pid), "--net", "--", ip, "-batch", "-"], {
    input: joinLines(
      "link set dev lo up",
      `address add ${node}/${linkPrefix} dev eth0`,
      "link set dev eth0 up",
      `route add default via ${host}`,
    ),
  });
  await run(ip, ["-batch", "-"], {
    input: joinLines(
      `route add ${podRange} via ${node} dev ${link}`,
      `route add ${serviceRange} via ${node} dev ${link}`,
    ),
  });
}

/** Whether a TCP connection from the node to the host comes about: a firewall of the host may forbid it. */
export async function reachesHost(pid: number, host: string): Promise<boolean> {
  const server = createServer((socket) => socket.end()).listen(0, host);
  try {
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const script = `const s = require("node:net").connect({ host: "${host}", port: ${port}, timeout: 3000 });
      s.on("connect", () => process.exit(0)).on("error", () => process.exit(1)).on("timeout", () => process.exit(1));`;
    await run("nsenter", ["--target", String(pid), "--net", "--", process.execPath, "-e", script], {
      timeoutSeconds: 5,
    });
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

function isLinked(link: string, pid: number, addresses: ClusterAddresses): boolean {
  const routes = readFileSync("/proc/net/route", "utf8").split("\n");
  const destinations = [addresses.podRange, addresses.serviceRange].map(toRouteTable);
  // Devices as the process sees them, that is those of its network namespace.
  const inside =
    readFileSync(`/proc/${pid}/net/dev`, "utf8").includes("eth0:") &&
    readFileSync(`/proc/${pid}/net/route`, "utf8").includes("eth0\t00000000");
  return (
    inside && destinations.every((destination) => routes.some((route) => route.startsWith(`${link}\t${destination}\t`)))
  );
}

function toRouteTable(range: string): string {
  const bytes = range.split("/")[0]?.split(".").map(Number) ?? [];
  return Buffer.from(bytes.toReversed()).toString("hex").toUpperCase();
}

/** The process whose namespaces the node lives in; `undefined`: it does not run. */
export function namespacePid(stateDir: string): number | undefined {
  const holder = runningPid(stateDir, holderName);
  return holder === undefined ? undefined : childrenOf(holder)[0];
}

function joinLines(...commands: string[]): string {
  return `${commands.join("\n")}\n`;
}

/** Whether pods can run for real on this machine, and if not, why. */
export type PodSupport = { pods: "real" } | { pods: "simulated"; reason: string };

/** Does what the node asks of the kernel, in namespaces that end with the script. */
const trial = (ip: string, nft: string): string => `
set -e
trap '[ "$step" = done ] || echo "$step" >&2' EXIT
step="mount file systems"
mount --make-rshared /
mount -t tmpfs tmpfs /run
mkdir -p /run/overlay/upper /run/overlay/work
${privateFolders}
step="forward packets"
echo 1 > /proc/sys/net/ipv4/ip_forward
step="make network devices"
${ip} link add name trial0 type veth peer name trial1
step="translate addresses by nftables"
${nft} -f - <<END
table ip trial {
  map services { type ipv4_addr . inet_proto . inet_service : verdict; }
  chain before {
    type nat hook prerouting priority dstnat;
    ip daddr . meta l4proto . th dport vmap @services
    numgen random mod 2 vmap { 0 : accept, 1 : accept }
  }
  chain after {
    type nat hook postrouting priority srcnat;
    masquerade
  }
}
END
step=done
`;

/**
 * Finds out whether the node's parts would work: root, namespaces, virtual network devices, nftables with address
 * translation, control groups. What it makes for that is gone when it returns.
 *
 * @param cgroup name of the sandbox's own control group
 */
export async function podSupport(
  stateDir: string,
  tools: { ip: string; nft: string },
  cgroup: string,
): Promise<PodSupport> {
  if (process.platform !== "linux")
    return { pods: "simulated", reason: `pods need Linux, this is ${process.platform}` };
  if (process.getuid?.() !== 0) return { pods: "simulated", reason: "pods need root, and this user is not" };
  try {
    await run("unshare", [...unshareArgs, "sh", "-c", trial(tools.ip, tools.nft)], { timeoutSeconds: 10 });
  } catch (error) {
    return {
      pods: "simulated",
      reason: `this machine, or the container around the sandbox, does not let a node ${failedStep(error)}`,
    };
  }
  try {
    createCgroup(stateDir, cgroup);
    return { pods: "real" };
  } catch (error) {
    return { pods: "simulated", reason: errorMessage(error) };
  } finally {
    await removeCgroup(stateDir, cgroup);
  }
}

/** The script prints the command's message, if it has one, and then the name of its step; without `unshare` it does not begin. */
function failedStep(error: unknown): string {
  if (!(error instanceof ProcessError)) return `be tried: ${errorMessage(error)}`;
  const lines = error.stderr.trim().split("\n");
  const [first = "", step = first] = [lines[0], lines.at(-1)];
  if (step.startsWith("unshare")) return `have namespaces of its own: ${step}`;
  return first === step ? step : `${step}: ${first}`;
}
