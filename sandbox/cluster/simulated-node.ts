import { join } from "node:path";

import { choosePort } from "../ports.ts";
import { listProcesses, startProcess } from "../process.ts";
import { applyObject, callApi, type ApiAccess } from "./api.ts";
import { writeKubeconfig, type UserName } from "./kubeconfig.ts";

const nodeName = "sandbox";
const marker = "kwok.x-k8s.io/node";

/**
 * Starts kwok and a node that it plays: pods scheduled there become Running and Ready, and go when they are deleted, but
 * no container runs. Resolves when the node is Ready.
 */
export async function startSimulatedNode(options: { stateDir: string; kwok: string; tokens: Record<UserName, string> }, access: ApiAccess): Promise<void> {
  const { stateDir } = options;
  if (!listProcesses(stateDir).some(({ name, running }) => name === "kwok" && running)) {
    // A lease of a kwok that was killed would have to run out first (40 s).
    await callApi(access, "DELETE", `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${nodeName}`);
  }
  await applyObject(access, `/api/v1/nodes/${nodeName}`, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName, annotations: { [marker]: "fake" }, labels: { type: "kwok", "kubernetes.io/os": "linux", "kubernetes.io/hostname": nodeName } },
  });
  const kubeconfig = writeKubeconfig(join(stateDir, "cluster", "kwok.kubeconfig"), access.server, access.authority, options.tokens.kwok);
  const port = await choosePort(stateDir, "kwok", 10247);
  await startProcess(stateDir, {
    name: "kwok",
    command: options.kwok,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--manage-nodes-with-annotation-selector=${marker}=fake`,
      "--node-ip=127.0.0.1",
      "--cidr=10.0.0.0/16",
      `--server-address=127.0.0.1:${port}`,
    ],
    ready: () => isNodeReady(access),
  });
}

async function isNodeReady(access: ApiAccess): Promise<boolean> {
  const answer = await callApi(access, "GET", `/api/v1/nodes/${nodeName}`);
  if (answer.status !== 200) return false;
  // The API server's answer for a Node, of which only this is read.
  const node = JSON.parse(answer.body) as { status?: { conditions?: { type: string; status: string }[] } };
  return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
