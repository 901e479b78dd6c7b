import { readFileSync } from "node:fs";
import { request } from "node:https";

/** How to reach an API server, and as whom. */
export interface ApiAccess {
  /** For example "https://127.0.0.1:6443". */
  server: string;
  /** Path of the PEM file of the authority that signed the server's certificate. */
  authority: string;
  token: string;
}

/** An answer of the API server. */
interface ApiAnswer {
  status: number;
  body: string;
}

/** One request to the API server; answers of any status are returned, only a missing answer rejects. */
export function callApi(
  access: ApiAccess,
  method: "GET" | "PATCH" | "DELETE" | "POST",
  path: string,
  content?: { type: string; body: string },
): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, access.server),
      {
        method,
        ca: readFileSync(access.authority),
        // A socket that is kept open would keep the caller's process alive.
        agent: false,
        timeout: 10_000,
        headers: { authorization: `Bearer ${access.token}`, ...(content ? { "content-type": content.type } : {}) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        );
        response.on("error", reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error(`${access.server} does not answer within 10 s`)));
    call.on("error", reject);
    call.end(content?.body);
  });
}

/**
 * Creates or updates an object by server-side apply.
 *
 * @param path the object's own path, e.g. "/apis/rbac.authorization.k8s.io/v1/clusterroles/x"
 * @throws Error with the API server's answer
 */
export async function applyObject(access: ApiAccess, path: string, object: object): Promise<void> {
  const answer = await callApi(access, "PATCH", `${path}?fieldManager=delivery-sandbox&force=true`, {
    // JSON is YAML: the only content type of server-side apply.
    type: "application/apply-patch+yaml",
    body: JSON.stringify(object),
  });
  if (answer.status >= 300) throw new Error(`The API server refuses ${path}: ${answer.status} ${answer.body}`);
}

/** Name of the only node. */
export const nodeName = "sandbox";

/** Annotation of a node that kwok plays. */
export const simulationMarker = "kwok.x-k8s.io/node";

/** What the API server knows of the node. */
interface NodeState {
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
