import { callApi, type ApiAccess } from "./api.ts";

/** Name of the only node. */
export const nodeName = "sandbox";

/** Annotation of a node that kwok plays. */
export const simulationMarker = "kwok.x-k8s.io/node";

/** What the API server knows of the node. */
export interface NodeState {
  ready: boolean;
  /** When the node last said how it is; told in whole seconds. */
  heartbeat: Date;
  simulated: boolean;
}

/** Reads the node; undefined when there is none. */
export async function readNode(access: ApiAccess): Promise<NodeState | undefined> {
  const answer = await callApi(access, "GET", `/api/v1/nodes/${nodeName}`);
  if (answer.status !== 200) return undefined;
  // The API server's answer for a Node, of which only this is read.
  const node = JSON.parse(answer.body) as {
    metadata: { annotations?: Record<string, string> };
    status?: { conditions?: { type: string; status: string; lastHeartbeatTime: string }[] };
  };
  const condition = node.status?.conditions?.find(({ type }) => type === "Ready");
  return {
    ready: condition?.status === "True",
    heartbeat: new Date(condition?.lastHeartbeatTime ?? 0),
    simulated: node.metadata.annotations?.[simulationMarker] !== undefined,
  };
}

/** Removes a node of the other kind, left from an earlier start, and its pods: their controllers make them anew. */
export async function ensureNodeKind(access: ApiAccess, kind: "real" | "simulated"): Promise<void> {
  const node = await readNode(access);
  if (!node || node.simulated === (kind === "simulated")) return;
  await callApi(access, "DELETE", `/api/v1/nodes/${nodeName}`);
  const answer = await callApi(access, "GET", `/api/v1/pods?fieldSelector=spec.nodeName=${nodeName}`);
  // The API server's answer for a list of Pods, of which only the names are read.
  const pods = JSON.parse(answer.body) as { items?: { metadata: { name: string; namespace: string } }[] };
  for (const { metadata } of pods.items ?? []) {
    await callApi(
      access,
      "DELETE",
      `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}?gracePeriodSeconds=0`,
    );
  }
}
