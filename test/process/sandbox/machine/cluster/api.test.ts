import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubernetesClient } from "../../../../../kubernetes/client.ts";
import {
  apiClient,
  applyObject,
  deleteObject,
  ensureNodeKind,
  nodeName,
  readNode,
  simulationMarker,
} from "../../../../../sandbox/machine/cluster/api.ts";

let folder: string;
const nodePath = `/api/v1/nodes/${nodeName}`;
/** `METHOD path` → answer; anything else is not found. */
let answers: Record<string, object>;
let requests: string[];
let server: Server;
let api: KubernetesClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cluster-api-test-"));
  answers = {};
  requests = [];
  server = createServer((request, response) => {
    const call = `${request.method} ${request.url}`;
    requests.push(`${call} ${request.headers.authorization}`);
    const answer = answers[call];
    if (answer === undefined) response.writeHead(404);
    response.end(JSON.stringify(answer ?? { kind: "Status", reason: "NotFound", message: "not found" }));
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  writeFileSync(join(folder, "ca.crt"), "");
  // A listening server on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  api = apiClient(`http://127.0.0.1:${port}`, join(folder, "ca.crt"), "secret");
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true });
});

describe("the node", () => {
  const simulated = {
    metadata: { name: nodeName, annotations: { [simulationMarker]: "fake" } },
    status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-02T03:04:05Z" }] },
  };

  test("is read with its state, as the bearer of the token", async () => {
    answers[`GET ${nodePath}`] = simulated;
    const heartbeat = new Date("2026-01-02T03:04:05Z");
    expect(await readNode(api)).toEqual({ ready: true, heartbeat, simulated: true });
    expect(requests).toEqual([`GET ${nodePath} Bearer secret`]);
  });

  test("is not there", async () => {
    expect(await readNode(api)).toBeUndefined();
  });

  test("of the other kind is removed with its pods", async () => {
    const podList = `/api/v1/pods?fieldSelector=${encodeURIComponent(`spec.nodeName=${nodeName}`)}`;
    const podPath = "/api/v1/namespaces/shop/pods/link-1?gracePeriodSeconds=0";
    answers[`GET ${nodePath}`] = simulated;
    answers[`DELETE ${nodePath}`] = {};
    answers[`GET ${podList}`] = { items: [{ metadata: { name: "link-1", namespace: "shop" } }] };
    await ensureNodeKind(api, "real");
    expect(requests.map((request) => request.replace(" Bearer secret", ""))).toEqual([
      `GET ${nodePath}`,
      `DELETE ${nodePath}`,
      `GET ${podList}`,
      `DELETE ${podPath}`,
    ]);
  });

  test("of the same kind stays", async () => {
    answers[`GET ${nodePath}`] = simulated;
    await ensureNodeKind(api, "simulated");
    expect(requests).toHaveLength(1);
  });
});

test("an object is applied on the server, and a refusal names it", async () => {
  const path = "/apis/example.com/v1/things/one";
  await expect(applyObject(api, path, {})).rejects.toThrow(`The API server refuses ${path}: not found`);
  expect(requests).toEqual([`PATCH ${path}?fieldManager=delivery-sandbox&force=true Bearer secret`]);
});

test("an object that is gone already is deleted", async () => {
  await deleteObject(api, nodePath);
  expect(requests).toEqual([`DELETE ${nodePath} Bearer secret`]);
});
