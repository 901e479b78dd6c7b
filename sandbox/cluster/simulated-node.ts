import { join } from "node:path";

import { listProcesses, startProcess } from "../process.ts";
import { applyObject, callApi, type ApiAccess } from "./api.ts";
import { writePrivate } from "./files.ts";
import { writeKubeconfig, type UserName } from "./kubeconfig.ts";
import { ensureNodeKind, nodeName, readNode, simulationMarker } from "./node-object.ts";
import { simulatedStages } from "./simulated-stages.ts";

const leasePath = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${nodeName}`;

/**
 * Starts kwok and a node that it plays: pods scheduled there become Running and Ready, and go when they are deleted, but
 * no container runs. Resolves when the node is Ready.
 */
export async function startSimulatedNode(
  options: { stateDir: string; kwok: string; tokens: Record<UserName, string> },
  access: ApiAccess,
): Promise<void> {
  const { stateDir } = options;
  await ensureNodeKind(access, "simulated");
  // The lease of a kwok that was killed would have to run out first (40 s).
  if (!listProcesses(stateDir).some(({ name, running }) => name === "kwok" && running))
    await callApi(access, "DELETE", leasePath);
  await applyObject(access, `/api/v1/nodes/${nodeName}`, {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: nodeName,
      annotations: { [simulationMarker]: "fake" },
      labels: { "kubernetes.io/os": "linux", "kubernetes.io/hostname": nodeName },
    },
  });
  const kubeconfig = writeKubeconfig(
    join(stateDir, "cluster", "kwok.kubeconfig"),
    access.server,
    access.authority,
    options.tokens.kwok,
  );
  await startProcess(stateDir, {
    name: "kwok",
    command: options.kwok,
    args: [
      `--kubeconfig=${kubeconfig}`,
      `--config=${writePrivate(join(stateDir, "cluster", "stages.yaml"), simulatedStages())}`,
      `--manage-nodes-with-annotation-selector=${simulationMarker}=fake`,
      "--node-lease-duration-seconds=40",
      "--node-ip=127.0.0.1",
      "--cidr=10.0.0.0/16",
    ],
    ready: async () =>
      (await readNode(access))?.ready === true && (await callApi(access, "GET", leasePath)).status === 200,
  });
}
