import { createCgroup, removeCgroup } from "./cgroups.ts";
import { CommandError, run } from "./command.ts";
import { privateFolders, unshareArgs } from "./namespaces.ts";

/** Whether pods can run for real on this machine, and if not, why. */
export type PodSupport = { pods: "real" } | { pods: "simulated"; reason: string };

/** What the node does with the kernel, tried in namespaces that end with the script. */
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
    return { pods: "simulated", reason: error instanceof Error ? error.message : String(error) };
  } finally {
    await removeCgroup(stateDir, cgroup);
  }
}

/** The script prints the command's message, if it has one, and then the name of its step; without `unshare` it does not begin. */
function failedStep(error: unknown): string {
  if (!(error instanceof CommandError)) return `be tried: ${error instanceof Error ? error.message : String(error)}`;
  const lines = error.errorOutput.split("\n");
  const [first = "", step = first] = [lines[0], lines.at(-1)];
  if (step.startsWith("unshare")) return `have namespaces of its own: ${step}`;
  return first === step ? step : `${step}: ${first}`;
}
