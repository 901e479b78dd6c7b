import { join } from "node:path";

import { startProcess } from "../process.ts";
import type { ClusterAddresses } from "./addresses.ts";
import { applyObject, type ApiAccess } from "./api.ts";
import { writePrivate } from "./files.ts";
import { users } from "./kubeconfig.ts";
import { nodeFolder } from "./namespaces.ts";
import { corefile, nodePorts } from "./node-config.ts";

/** What CoreDNS needs. */
export interface DnsOptions {
  stateDir: string;
  tools: { coredns: string };
  /** Process whose namespaces the node lives in. */
  namespacesOf: number;
  addresses: ClusterAddresses;
  /** Path within the node's mount namespace. */
  kubeconfig: string;
}

/** Starts CoreDNS on the node's own address; resolves when it knows the Services of the cluster. */
export async function startDns(options: DnsOptions, access: ApiAccess): Promise<void> {
  const { stateDir, tools, addresses, kubeconfig } = options;
  await allowDnsToRead(access);
  writePrivate(join(stateDir, "node", "Corefile"), corefile({ addresses, kubeconfig }));
  await startProcess(stateDir, {
    name: "coredns",
    command: tools.coredns,
    args: ["-conf", `${nodeFolder}/Corefile`],
    namespacesOf: options.namespacesOf,
    ready: async () => (await fetch(`http://${addresses.node}:${nodePorts.dnsReady}/ready`)).ok,
  });
}

async function allowDnsToRead(access: ApiAccess): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const name = "sandbox:coredns";
  const verbs = ["list", "watch"];
  await applyObject(access, `/apis/${group}/v1/clusterroles/${name}`, {
    apiVersion: `${group}/v1`,
    kind: "ClusterRole",
    metadata: { name },
    rules: [
      { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs },
    ],
  });
  await applyObject(access, `/apis/${group}/v1/clusterrolebindings/${name}`, {
    apiVersion: `${group}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: group, kind: "ClusterRole", name },
    subjects: [{ apiGroup: group, kind: "User", name: users.coredns.user }],
  });
}
