import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../../core/atomic-file.ts";
import { quoteForShell } from "../../../core/shell.ts";
import { addressesOf } from "./addresses.ts";
import { insideNode } from "./namespaces.ts";
import { cniConfig, cniFolders } from "./node-config.ts";
import { startRelay } from "./relay.ts";

export interface PodLocalhostOptions {
  stateDir: string;
  tools: { etcd: string; nft: string };
  /** Address at which pods reach this host. */
  hostAddress: string;
  /** Those of the cluster whose pods it is for. */
  namespaces: readonly string[];
  /** What they reach at the same port of their own `localhost`: name of the relay → URL on this machine's loopback. */
  servers: Readonly<Record<string, string>>;
}

const plugin = "sandbox-localhost";

/**
 * Lets the pods of some namespaces reach servers that listen on this machine's loopback by the addresses that they have there: what is
 * configured with such an address works in a pod, too. All other pods reach each other and nothing else.
 */
export async function openLocalhost(options: PodLocalhostOptions): Promise<void> {
  const { stateDir, tools, hostAddress: host, namespaces, servers } = options;
  const relays = await Promise.all(
    Object.entries(servers).map(async ([name, url]) => [
      new URL(url).port,
      new URL(await startRelay({ stateDir, etcd: tools.etcd, name, url, host })).port,
    ]),
  );
  const folder = join(stateDir, "node");
  const program = join(folder, `${plugin}.cjs`);
  writeFileAtomically(program, pluginProgram(tools.nft, localhostRules(host, relays)));
  mkdirSync(join(folder, cniFolders.plugins), { recursive: true });
  const starter = join(folder, cniFolders.plugins, plugin);
  const command = [process.execPath, insideNode(stateDir, program)].map(quoteForShell).join(" ");
  writeFileSync(starter, `#!/bin/sh\nexec ${command}\n`);
  chmodSync(starter, 0o755);
  const addresses = addressesOf(Number(host.split(".")[1]));
  const network = cniConfig(addresses, [{ type: plugin, namespaces }]);
  // containerd sees it, and takes it for the pods from then on, being the first by its name.
  writeFileAtomically(join(folder, cniFolders.networks, "05-sandbox.conflist"), JSON.stringify(network, null, 2));
}

/** @param relays port of the pod's loopback → port of the host's end of the link */
export function localhostRules(host: string, relays: readonly (readonly string[])[]): string {
  const ports = relays.map(([port, relay]) => `${port} : ${host} . ${relay}`).join(", ");
  return `table ip sandbox {
  chain output {
    type nat hook output priority -100;
    ip daddr 127.0.0.1 tcp dport { ${relays.map(([port]) => port).join(", ")} } dnat ip to tcp dport map { ${ports} }
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr 127.0.0.1 oifname "eth0" masquerade
  }
}
`;
}

/**
 * A CNI plugin that is called after the one that has made a pod's network.
 * Source: https://www.cni.dev/docs/spec/
 */
function pluginProgram(nft: string, rules: string): string {
  // The kernel drops packets between loopback and a link unless it is told not to.
  const script = `for link in all eth0; do echo 1 >/proc/sys/net/ipv4/conf/$link/route_localnet; done; exec ${quoteForShell(nft)} -f -`;
  return `const { execFileSync } = require("node:child_process");
const { CNI_COMMAND, CNI_NETNS, CNI_ARGS = "" } = process.env;
const { cniVersion, namespaces = [], prevResult } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const [, namespace] = /(?:^|;)K8S_POD_NAMESPACE=([^;]*)/.exec(CNI_ARGS) ?? [];
if (CNI_COMMAND === "ADD" && namespaces.includes(namespace))
  execFileSync("nsenter", ["--net=" + CNI_NETNS, "--", "sh", "-c", ${JSON.stringify(script)}], { input: ${JSON.stringify(rules)} });
if (CNI_COMMAND === "ADD") console.log(JSON.stringify(prevResult));
if (CNI_COMMAND === "VERSION") console.log(JSON.stringify({ cniVersion, supportedVersions: ["0.4.0", "1.0.0"] }));
`;
}
