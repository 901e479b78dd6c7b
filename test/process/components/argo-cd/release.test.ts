import { createServer } from "node:http";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { moduleProxy } from "../../../../components/argo-cd/go-module-proxy.ts";
import { readRelease, type Publication, type ReleaseSettings } from "../../../../components/argo-cd/release.ts";
import { temporaryDirectory, type TemporaryDirectory } from "../../../../core/atomic-file.ts";
import { sha256 } from "../../../../core/download.ts";
import { problemLine } from "../../../../core/problem.ts";

const text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n";
const objects = [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "argocd-cm" } }];

let folder: TemporaryDirectory;
let requests: string[];
let answers: Record<string, { status?: number; body?: string | Uint8Array }>;
let server: ReturnType<typeof createServer>;
let host: string;

beforeEach(async () => {
  vi.stubEnv("GOPROXY", "off");
  folder = temporaryDirectory("release-");
  requests = [];
  answers = { "/v1.2.3/install.yaml": { body: text }, "/mirror.yaml": { body: text } };
  server = createServer((request, response) => {
    const path = request.url ?? "";
    requests.push(path);
    const { status = 200, body = "" } = answers[path] ?? { status: 404, body: "404: Not Found" };
    response.writeHead(status).end(body);
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  host = `http://127.0.0.1:${address.port}`;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  folder[Symbol.dispose]();
  await new Promise((closed) => server.close(closed));
});

async function read(
  settings: ReleaseSettings,
  published: string = text,
  required = ["ConfigMap argocd-cm"],
): Promise<unknown> {
  const publication: Publication = {
    product: "Argo CD",
    file: "install.yaml",
    url: (version) => `${host}/v${version}/install.yaml`,
    module: { path: "example.com/argo/v1", file: "manifests/install.yaml" },
    tested: { version: "1.2.3", sha256: sha256(published) },
  };
  const request = { location: "stacks/Pulumi.dev.yaml: gitops.argoCd", publication, settings, required };
  const found = await readRelease(request, { cache: join(folder.path, "cache"), pauses: [1, 1], limit: 10_000 });
  return "problem" in found ? problemLine(found.problem).replaceAll(host, "HOST") : found.objects;
}

test("a release is downloaded once, and then kept", async () => {
  expect(await read({})).toEqual(objects);
  expect(await read({ version: "1.2.3" })).toEqual(objects);
  expect(requests).toEqual(["/v1.2.3/install.yaml"]);
});

test("a copy that was not kept in full is downloaded again", async () => {
  await read({});
  const [kept = ""] = readdirSync(join(folder.path, "cache"));
  const path = join(folder.path, "cache", kept);
  writeFileSync(path, readFileSync(path, "utf8").slice(0, 20));
  expect(await read({})).toEqual(objects);
  expect(requests).toHaveLength(2);
});

test("where nothing can be kept it is downloaded each time", async () => {
  writeFileSync(join(folder.path, "cache"), "no directory");
  expect([await read({}), await read({})]).toEqual([objects, objects]);
  expect(requests).toHaveLength(2);
});

test("copies elsewhere are read each time: they may change", async () => {
  const file = join(folder.path, "install.yaml");
  writeFileSync(file, text);
  expect(await read({ manifests: file })).toEqual(objects);
  expect(await read({ manifests: `${host}/mirror.yaml` })).toEqual(objects);
  writeFileSync(file, text.replace("argocd-cm", "another"));
  expect(await read({ manifests: file })).toContain("has no ConfigMap argocd-cm");
  await read({ manifests: `${host}/mirror.yaml` });
  expect(requests).toEqual(["/mirror.yaml", "/mirror.yaml"]);
});

test("a server that cannot answer now is asked again", async () => {
  answers["/v1.2.3/install.yaml"] = { status: 503 };
  expect(await read({})).toContain("HOST/v1.2.3/install.yaml answers 503");
  expect(requests).toHaveLength(3);
});

const copy = "set gitops.argoCd.manifests to a copy of the release's install.yaml";
test.each<[what: string, settings: ReleaseSettings, answer: { status?: number; body?: string }, problem: string]>([
  [
    "no release",
    { version: "9.9.9" },
    {},
    `version: "9.9.9": HOST/v9.9.9/install.yaml answers 404; set it to a release of Argo CD, such as 1.2.3, or ${copy}`,
  ],
  [
    "a release of another form",
    { version: "1.0.0" },
    { body: text.replace("argocd-cm", "other") },
    `version: "1.0.0": has no ConfigMap argocd-cm; set it to a release of Argo CD, such as 1.2.3, or ${copy}`,
  ],
  [
    "a proxy's page",
    { version: "1.0.0" },
    { body: "<html>Sign in</html>" },
    `version: "1.0.0": HOST/v1.0.0/install.yaml has something that is no Kubernetes object, as document 1: "<html>Sign in</html>"; behind a proxy set NODE_USE_ENV_PROXY=1 beside HTTPS_PROXY, or ${copy}`,
  ],
  [
    "a file without end",
    { version: "1.0.0" },
    { body: "x".repeat(20_000) },
    `version: "1.0.0": HOST/v1.0.0/install.yaml has more than 10000 bytes; behind a proxy set NODE_USE_ENV_PROXY=1 beside HTTPS_PROXY, or ${copy}`,
  ],
])("%s is a problem that says what to do", async (_what, settings, answer, problem) => {
  if (Object.keys(answer).length > 0) answers[`/v${settings.version}/install.yaml`] = answer;
  expect(await read(settings)).toBe(`stacks/Pulumi.dev.yaml: gitops.argoCd.${problem}`);
});

test("another content than the project has released is refused, and not kept", async () => {
  const told = await read({}, "something else");
  expect(told).toContain(`gitops.argoCd.version: "1.2.3": HOST/v1.2.3/install.yaml is not what Argo CD has released`);
  expect(told).toContain(sha256(text));
  expect(await read({})).toEqual(objects);
  expect(requests).toHaveLength(2);
});

test("of a copy that is not there, its place is said", async () => {
  expect(await read({ manifests: "no/such.yaml" })).toMatch(
    /^stacks\/Pulumi\.dev\.yaml: gitops\.argoCd\.manifests: "no\/such\.yaml": ENOENT.*; set it to a copy of Argo CD's install\.yaml: a URL, or a file relative to this program$/,
  );
});

test("nothing is read of a server that is not there", async () => {
  await new Promise((closed) => server.close(closed));
  expect(await read({})).toMatch(/install\.yaml cannot be read \(connect ECONNREFUSED.*\); behind a proxy set/);
  server.listen(0);
});

const modulePath = "/proxy/example.com/argo/v1/@v/v1.2.3.zip";

test.each([403, 502])(
  "where the project's host answers %d, the Go module proxy is asked for the same file",
  async (status) => {
    answers["/v1.2.3/install.yaml"] = { status };
    const file = "example.com/argo/v1@v1.2.3/manifests/install.yaml";
    answers[modulePath] = { body: zipSync({ [file]: strToU8(text), [`${file}.orig`]: strToU8("another") }) };
    vi.stubEnv("GOPROXY", `direct,${host}/proxy/,off`);
    expect(await read({})).toEqual(objects);
    expect(await read({})).toEqual(objects);
    expect(requests.filter((path) => path === modulePath)).toHaveLength(1);
  },
);

test("a module is believed no more than the project's host", async () => {
  answers["/v1.2.3/install.yaml"] = { status: 403 };
  answers[modulePath] = { body: zipSync({ "example.com/argo/v1@v1.2.3/manifests/install.yaml": strToU8(text) }) };
  vi.stubEnv("GOPROXY", `${host}/proxy`);
  expect(await read({}, "something else")).toContain("is not what Argo CD has released");
});

test.each<[string, Uint8Array | string]>([
  ["without the file", zipSync({ "example.com/argo/v1@v1.2.3/go.mod": strToU8("module") })],
  ["that is none", "<html>Sign in</html>"],
])("a module %s is none: the message is about the project's host", async (_what, body) => {
  answers["/v1.2.3/install.yaml"] = { status: 403 };
  answers[modulePath] = { body };
  vi.stubEnv("GOPROXY", `${host}/proxy`);
  expect(await read({})).toContain("HOST/v1.2.3/install.yaml answers 403");
});

test("a release that does not exist is not looked for elsewhere", async () => {
  vi.stubEnv("GOPROXY", `${host}/proxy`);
  expect(await read({ version: "9.9.9" })).toContain("answers 404");
  expect(requests).toEqual(["/v9.9.9/install.yaml"]);
});

test.each([
  [undefined, "https://proxy.golang.org"],
  ["", "https://proxy.golang.org"],
  ["off", undefined],
  ["direct", undefined],
  ["https://goproxy.example/|direct", "https://goproxy.example"],
])("GOPROXY=%s is the proxy %s", (list, proxy) => {
  expect(moduleProxy(list)).toBe(proxy);
});
