import { createCgroup, removeCgroup } from "./cgroups.ts";
import { CommandError, run } from "./command.ts";
import { privateFolders, unshareArgs } from "./namespaces.ts";

/** Whether pods can run for real on this machine, and if not, why. */
export type PodSupport = { pods: "real" } | { pods: "simulated"; reason: string };

/** What the node does with the kernel, tried in namespaces that end with the script. */
const trial = (ip: string, nft: string): string => `
set -e
mount --make-rshared /
mount -t tmpfs tmpfs /run
mkdir -p /run/overlay/upper /run/overlay/work
${privateFolders}
echo 1 > /proc/sys/net/ipv4/ip_forward
${ip} link add name trial0 type veth peer name trial1
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
`;

/**
 * Finds out whether the node's parts would work: root, namespaces, virtual network devices, nftables with address
 * translation, control groups. What it makes for that is gone when it returns.
 *
 * @param cgroup name of the sandbox's own control group
 */
export async function podSupport(stateDir: string, tools: { ip: string; nft: string }, cgroup: string): Promise<PodSupport> {
  if (process.platform !== "linux") return { pods: "simulated", reason: `pods need Linux, this is ${process.platform}` };
  if (process.getuid?.() !== 0) return { pods: "simulated", reason: "pods need root, and this user is not" };
  try {
    await run("unshare", [...unshareArgs, "sh", "-c", trial(tools.ip, tools.nft)], { timeoutSeconds: 10 });
  } catch (error) {
    return { pods: "simulated", reason: `the kernel or the container around the sandbox does not allow what a node needs: ${why(error)}` };
  }
  try {
    createCgroup(stateDir, cgroup);
    await removeCgroup(stateDir, cgroup);
  } catch (error) {
    return { pods: "simulated", reason: why(error) };
  }
  return { pods: "real" };
}

function why(error: unknown): string {
  const text = error instanceof CommandError && error.errorOutput !== "" ? error.errorOutput : String(error instanceof Error ? error.message : error);
  return text.split("\n")[0] ?? text;
}
