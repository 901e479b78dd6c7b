import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectionOf } from "../../../../../kubernetes/connection.ts";
import { credentialsOf } from "../../../../../kubernetes/credentials.ts";
import { loadKubeconfig } from "../../../../../kubernetes/kubeconfig.ts";
import { createKubernetesProvider } from "../../../../../sandbox/providers/kubernetes/provider.ts";
import { diffSettings } from "../../../../../sandbox/providers/kubernetes/session.ts";
import { secret, unknown, type PropertyMap } from "../../../../../sandbox/providers/property.ts";

function kubeconfig(server: string, token = "t0ken"): string {
  return JSON.stringify({
    "current-context": "dev",
    clusters: [{ name: "c", cluster: { server } }],
    users: [{ name: "u", user: { token } }],
    contexts: [
      { name: "dev", context: { cluster: "c", user: "u", namespace: "team" } },
      { name: "lost", context: { cluster: "none", user: "u" } },
    ],
  });
}

const content = (text: string) => loadKubeconfig({ kubeconfig: text, environment: {} });

test("content, a path and KUBECONFIG all lead to the same connection", () => {
  const path = join(mkdtempSync(join(tmpdir(), "kubeconfig-")), "config");
  writeFileSync(path, kubeconfig("https://cluster:6443/"));
  const configs = [
    content(kubeconfig("https://cluster:6443/")),
    content(path),
    loadKubeconfig({ environment: { KUBECONFIG: `/nowhere:${path}` } }),
  ];
  for (const config of configs)
    expect(connectionOf(config, {})).toMatchObject({
      server: "https://cluster:6443",
      context: "dev",
      namespace: "team",
    });
});

test.each([
  [
    "a context that is not there",
    kubeconfig("https://x"),
    { context: "prod" },
    /context "prod" is not in .*contexts there: dev, lost/,
  ],
  ["a cluster that is not there", kubeconfig("https://x"), { context: "lost" }, /cluster "none" of context "lost"/],
  ["a server that is no address", kubeconfig("nonsense"), {}, /no valid `server`/],
])("%s is named", (_case, text, choice, message) => {
  expect(() => connectionOf(content(text), choice)).toThrow(message);
});

test("a kubeconfig that is neither a file nor content is refused, and content is not repeated", () => {
  expect(() => content("/no/such/file")).toThrow('"/no/such/file" is neither a file');
  expect(() => content("just: [broken, s3cret\n")).not.toThrow("s3cret");
  expect(() => loadKubeconfig({ environment: { HOME: "/no/home" } })).toThrow(
    /no kubeconfig.*\/no\/home\/\.kube\/config/,
  );
});

test("an exec plugin's token is used, its failure names it", async () => {
  const status = JSON.stringify({ status: { token: "fresh" } });
  expect(
    await credentialsOf(
      { exec: { command: "echo", args: [status], apiVersion: "client.authentication.k8s.io/v1" } },
      process.env,
    ),
  ).toEqual({ authorization: "Bearer fresh" });
  await expect(
    credentialsOf({ exec: { command: "no-such-plugin", installHint: "Install it." } }, process.env),
  ).rejects.toThrow(/"no-such-plugin" failed \(ENOENT\)\. Install it\./);
});

const changed = (olds: PropertyMap, news: PropertyMap) =>
  diffSettings({ urn: "", type: "", name: "", id: "", olds, oldInputs: olds, news, ignoreChanges: [] }, {})
    .detailedDiff;

test("another cluster replaces the provider, other credentials or settings do not", () => {
  const olds = { kubeconfig: secret(kubeconfig("https://a")) };
  expect(changed(olds, olds)).toEqual({});
  expect(changed(olds, { kubeconfig: kubeconfig("https://b") })).toEqual({ kubeconfig: "update-replace" });
  expect(changed(olds, { kubeconfig: kubeconfig("https://a", "renewed") })).toEqual({ kubeconfig: "update" });
  expect(changed(olds, { kubeconfig: unknown })).toEqual({ kubeconfig: "update-replace" });
  expect(changed(olds, { ...olds, namespace: "x" })).toEqual({ namespace: "add" });
});

test("clusterIdentifier decides where it is set", () => {
  const olds = { clusterIdentifier: "one", kubeconfig: kubeconfig("https://a") };
  expect(changed(olds, { ...olds, kubeconfig: kubeconfig("https://b") })).toEqual({ kubeconfig: "update" });
  expect(changed(olds, { ...olds, clusterIdentifier: "two" })).toEqual({ clusterIdentifier: "update-replace" });
});

test("client-side apply and rendering are refused", async () => {
  const result = await createKubernetesProvider({ environment: {} }).checkConfig?.({
    enableServerSideApply: "false",
    renderYamlToDirectory: "out",
  });
  expect(result?.failures?.map(({ property }) => property)).toEqual(["enableServerSideApply", "renderYamlToDirectory"]);
});

/** An HTTP server in place of an API server, with one answer to everything but the probe. */
async function answering(handle: RequestListener): Promise<string> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  // A server that listens on TCP has an address with a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const status =
  (code: number, body: object): RequestListener =>
  (_request, response) => {
    response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify({ kind: "Status", ...body }));
  };

async function configured(server: string) {
  return await createKubernetesProvider({ environment: {} }).configure({ kubeconfig: kubeconfig(server) });
}

const reference = {
  urn: "urn:pulumi:s::p::kubernetes:core/v1:ConfigMap::c",
  type: "kubernetes:core/v1:ConfigMap",
  name: "c",
};
const object = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "c", namespace: "team" },
  data: { key: secret("topsecret") },
};
const creation = { ...reference, inputs: object, timeoutSeconds: 1 };

test("where nobody answers, a preview goes on and an update says which server, from where, and what to do", async () => {
  const provider = await configured("http://127.0.0.1:9");
  const preview = await provider.create({ ...creation, preview: true });
  expect(preview.outputs).toMatchObject({ data: { key: secret("topsecret") }, metadata: { name: "c", uid: unknown } });
  await expect(provider.create({ ...creation, preview: false })).rejects.toThrow(
    /http:\/\/127\.0\.0\.1:9 does not answer.*context "dev".*start the cluster/,
  );
});

test("refused credentials fail a preview already", async () => {
  const provider = await configured(await answering(status(401, { message: "Unauthorized" })));
  await expect(provider.create({ ...creation, preview: true })).rejects.toThrow(
    /credentials are refused.*renew the token/,
  );
});

test("check names, places and marks: generated name from the seed, the context's namespace, secrets kept", async () => {
  const provider = await configured("http://127.0.0.1:9");
  const news = { metadata: { labels: { a: "b" } }, stringData: { password: secret("topsecret") } };
  const request = {
    ...reference,
    type: "kubernetes:core/v1:Secret",
    olds: {},
    news,
    randomSeed: new Uint8Array([1, 2, 3]),
  };
  const { inputs } = await provider.check(request);
  expect(inputs).toEqual({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: expect.stringMatching(/^c-[0-9a-f]{8}$/),
      namespace: "team",
      labels: { a: "b" },
      annotations: { "pulumi.com/autonamed": "true" },
    },
    data: secret({ password: "dG9wc2VjcmV0" }),
  });
  expect((await provider.check(request)).inputs).toEqual(inputs);
  expect((await provider.check({ ...request, olds: inputs, randomSeed: new Uint8Array([9]) })).inputs).toEqual(inputs);
});

test("an existing object is an error with ways out, and no secret in it", async () => {
  const server = await answering((request, response) => {
    if (request.url === "/api/v1")
      return status(200, { resources: [{ name: "configmaps", kind: "ConfigMap", namespaced: true }] })(
        request,
        response,
      );
    if (request.method === "POST")
      return status(409, { reason: "AlreadyExists", message: 'configmaps "c" with topsecret already exists' })(
        request,
        response,
      );
    return status(200, {})(request, response);
  });
  const provider = await configured(server);
  await expect(provider.create({ ...creation, preview: false })).rejects.toThrow(
    /configmaps "c" with \[secret\] already exists.*import.*upsertExistingObjects/,
  );
});

test("functions and unknown types are refused", async () => {
  const provider = await configured("http://127.0.0.1:9");
  await expect(provider.invoke("kubernetes:helm:template", {}, false)).rejects.toThrow(
    /has no function kubernetes:helm:template/,
  );
  await expect(
    provider.check({
      ...reference,
      type: "kubernetes:helm.sh/v3:Release",
      olds: {},
      news: {},
      randomSeed: new Uint8Array(),
    }),
  ).rejects.toThrow(/helm\.sh\/v3:Release/);
});
