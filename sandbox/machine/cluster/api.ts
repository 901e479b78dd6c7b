import { readFileSync } from "node:fs";
import { errorMessage } from "../../../core/error.ts";
import { createClient, type KubernetesClient } from "../../../kubernetes/client.ts";
import { isNotFound } from "../../../kubernetes/errors.ts";
import { annotationOf, conditionOf, listAt, nameOf, namespaceOf, stringAt } from "../../../kubernetes/object.ts";

/**
 * A client for an API server, as the bearer of a token.
 *
 * @param server for example "https://127.0.0.1:6443"
 * @param authority path of the PEM file of the authority that signed the server's certificate
 */
export function apiClient(server: string, authority: string, token: string): KubernetesClient {
  const tls = { ca: readFileSync(authority, "utf8"), rejectUnauthorized: true };
  const connection = { server, source: "the sandbox", context: "sandbox", namespace: "default", tls, user: { token } };
  return createClient(connection, {});
}

/**
 * Creates or updates an object by server-side apply.
 *
 * @param path the object's own path, e.g. "/apis/rbac.authorization.k8s.io/v1/clusterroles/x"
 */
export async function applyObject(api: KubernetesClient, path: string, object: object): Promise<void> {
  try {
    await api.request("PATCH", path, {
      query: { fieldManager: "delivery-sandbox", force: "true" },
      // JSON is YAML: the only content type of server-side apply.
      contentType: "application/apply-patch+yaml",
      body: object,
    });
  } catch (error) {
    throw new Error(`The API server refuses ${path}: ${errorMessage(error)}`, { cause: error });
  }
}

/** Deletes an object, if it is there. */
export async function deleteObject(
  api: KubernetesClient,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await api.request("DELETE", path, { query });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Name of the only node. */
export const nodeName = "sandbox";

/** Annotation of a node that kwok plays. */
export const simulationMarker = "kwok.x-k8s.io/node";

/** What the API server knows of the node. */
interface NodeState {
  ready: boolean;
  /** When the kubelet last reported, in whole seconds. */
  heartbeat: Date;
  simulated: boolean;
}

/** Reads the node; `undefined` when there is none. */
export async function readNode(api: KubernetesClient): Promise<NodeState | undefined> {
  try {
    const node = await api.request("GET", `/api/v1/nodes/${nodeName}`);
    const condition = conditionOf(node, "Ready") ?? {};
    return {
      ready: condition["status"] === "True",
      heartbeat: new Date(stringAt(condition, "lastHeartbeatTime") ?? 0),
      simulated: annotationOf(node, simulationMarker) !== undefined,
    };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Removes a node of the other kind that an earlier start has left, and its pods, which their controllers create again. */
export async function ensureNodeKind(api: KubernetesClient, kind: "real" | "simulated"): Promise<void> {
  const node = await readNode(api);
  if (!node || node.simulated === (kind === "simulated")) return;
  await deleteObject(api, `/api/v1/nodes/${nodeName}`);
  const pods = await api.request("GET", "/api/v1/pods", { query: { fieldSelector: `spec.nodeName=${nodeName}` } });
  for (const pod of listAt(pods, "items")) {
    const path = `/api/v1/namespaces/${namespaceOf(pod)}/pods/${nameOf(pod)}`;
    await deleteObject(api, path, { gracePeriodSeconds: "0" });
  }
}
