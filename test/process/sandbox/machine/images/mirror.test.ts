import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { temporaryDirectory } from "../../../../../core/atomic-file.ts";
import type { Materials } from "../../../../../sandbox/machine/images/mirror/base-images.ts";

const main = join(import.meta.dirname, "../../../../../sandbox/machine/images/mirror/main.ts");
const directory = temporaryDirectory("mirror-test-");
const home = directory.path;
const cache = join(home, "cache");
afterAll(() => directory[Symbol.dispose]());

/** Of these only BuildKit's frontend is copied into an image. */
const materials: Materials = {
  toolchains: { go: { root: join(home, "go"), version: "1.26.8" } },
  busybox: join(home, "busybox"),
  frontend: join(home, "frontend"),
};

interface Mirror extends AsyncDisposable {
  url: string;
  log: string[];
}

/** The mirror as a process, on a machine whose home directory and environment are these. */
async function startMirror(): Promise<Mirror> {
  const args = ["--port", "0", "--cache", cache, "--materials", JSON.stringify(materials)];
  const child = spawn(process.execPath, [main, ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      TOKEN: "the-token",
      GOPROXY: `file://${join(home, "proxy")}`,
      GOSUMDB: "off",
      GOFLAGS: "",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const log: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      const [, address] = /^Mirror at (.*)$/.exec(line) ?? [];
      if (address === undefined) log.push(line);
      else resolve(address);
    });
    child.once("close", () => reject(new Error("the mirror does not start")));
  });
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.kill();
    await closed;
  };
  return { url, log, [Symbol.asyncDispose]: stop };
}

async function get(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
}

/** For a path that fetch() would shorten. */
function statusOf(url: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("base images", () => {
  const path = "/v2/docker/dockerfile";
  beforeAll(() => writeFileSync(materials.frontend, "the frontend"));

  test("are made when they are asked for, once, and served by their digests", async () => {
    const digests: unknown[] = [];
    const made: string[] = [];
    for (const _ of [1, 2]) {
      await using mirror = await startMirror();
      expect(await get(`${mirror.url}/v2/`)).toEqual({ status: 200, body: "{}" });
      const found = await fetch(`${mirror.url}${path}/manifests/latest`, { method: "HEAD" });
      expect(found.headers.get("content-type")).toBe("application/vnd.oci.image.manifest.v1+json");
      const digest = found.headers.get("docker-content-digest") ?? "";
      digests.push(digest);
      const { body } = await get(`${mirror.url}${path}/manifests/${digest}?ns=docker.io`);
      expect(found.headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
      const manifest = manifestSchema.parse(JSON.parse(body));
      for (const blob of [manifest.config, ...manifest.layers]) {
        const answer = await fetch(`${mirror.url}${path}/blobs/${blob.digest}`);
        const content = Buffer.from(await answer.arrayBuffer());
        expect({ digest: sha256(content), size: content.length }).toEqual({ digest: blob.digest, size: blob.size });
        if (blob === manifest.config)
          expect(JSON.parse(content.toString())).toMatchObject({
            config: { Entrypoint: ["/bin/dockerfile-frontend"] },
          });
        else expect(filesOf(content)).toContain("-rwxr-xr-x 0/0 12 1970-01-01 00:00 ./bin/dockerfile-frontend");
      }
      made.push(...mirror.log.filter((line) => line.startsWith("base images:")));
    }
    expect(digests[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(digests[1]).toBe(digests[0]);
    expect(made).toEqual(["base images: making docker/dockerfile", "base images: docker/dockerfile is made"]);
  });

  test("are no others than those of the machine's releases and older ones", async () => {
    await using mirror = await startMirror();
    const unknown = `sha256:${"0".repeat(64)}`;
    for (const other of [
      `${path}/manifests/2`,
      `${path}/blobs/${unknown}`,
      `${path}/blobs/manifest`,
      "/v2/library/golang/manifests/1.27",
      "/v2/library/node/manifests/24",
      "/v2/library/postgres/manifests/latest",
    ])
      expect((await get(mirror.url + other)).status).toBe(404);
    expect(mirror.log.filter((line) => line.includes("making library/"))).toEqual([]);
  });

  test("are asked for again after a failure", async () => {
    await using mirror = await startMirror();
    const { status, body } = await get(`${mirror.url}/v2/library/busybox/manifests/latest`);
    expect(status).toBe(404);
    expect(body).toContain("busybox");
    writeFileSync(materials.busybox, "#!/bin/sh\nprintf 'bin/busybox\\nbin/sh\\n'\n", { mode: 0o755 });
    expect((await get(`${mirror.url}/v2/library/busybox/manifests/latest`)).status).toBe(200);
  });
});

const blobSchema = z.object({ digest: z.string(), size: z.number() });
const manifestSchema = z.object({ config: blobSchema, layers: z.tuple([blobSchema]) });

function sha256(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** What tar lists of a compressed archive, with single spaces. */
function filesOf(archive: Buffer): string[] {
  const options = { input: archive, encoding: "utf8", env: { ...process.env, TZ: "UTC" } } as const;
  const listed = execFileSync("tar", ["--list", "--gzip", "--verbose", "--numeric-owner"], options);
  return listed.split("\n").map((line) => line.replaceAll(/ +/g, " "));
}

describe("Go modules", () => {
  const proxy = join(home, "proxy");
  const module = "example.com/Tiny";
  const path = "/-/go/example.com/!tiny";

  beforeAll(() => {
    const versions = join(proxy, "example.com/!tiny/@v");
    const sources = join(home, "tiny");
    for (const folder of [versions, sources]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(sources, "go.mod"), `module ${module}\n`);
    writeFileSync(join(versions, "list"), "v1.0.0\nv1.1.0\n");
    for (const version of ["v1.0.0", "v1.1.0"]) {
      writeFileSync(join(versions, `${version}.info`), JSON.stringify({ Version: version }));
      writeFileSync(join(versions, `${version}.mod`), `module ${module}\n`);
    }
    const git = (...args: string[]): Buffer =>
      execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...args], { cwd: sources });
    git("init", "--quiet");
    git("add", "--all");
    git("commit", "--quiet", "--message=all");
    writeFileSync(join(versions, "v1.0.0.zip"), git("archive", "--format=zip", `--prefix=${module}@v1.0.0/`, "HEAD"));
  });

  test("come from where this machine's Go has them from, and are then there without it", async () => {
    const urls = ["@v/v1.0.0.info", "@v/v1.0.0.mod", "@v/v1.0.0.zip"].map((file) => `${path}/${file}`);
    const ask = async (): Promise<{ answers: { status: number; body: string }[]; got: string[] }> => {
      await using mirror = await startMirror();
      const answers = [];
      for (const url of urls) answers.push(await get(mirror.url + url));
      return { answers, got: mirror.log.filter((line) => !line.startsWith("GET ")) };
    };
    const first = await ask();
    expect(first.answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(first.answers[1]?.body).toBe(`module ${module}\n`);
    expect(first.got).toEqual([`go: getting ${module}@v1.0.0 (info)`, `go: getting ${module}@v1.0.0 (zip)`]);
    const moved = `${proxy}-away`;
    execFileSync("mv", [proxy, moved]);
    try {
      expect(await ask()).toEqual({ answers: first.answers, got: [] });
    } finally {
      execFileSync("mv", [moved, proxy]);
    }
  });

  test("are listed, and found by what stands for a version", async () => {
    await using mirror = await startMirror();
    expect(await get(`${mirror.url}${path}/@v/list`)).toEqual({ status: 200, body: "v1.0.0\nv1.1.0" });
    const latest = await get(`${mirror.url}${path}/@latest`);
    expect(JSON.parse(latest.body)).toMatchObject({ Version: "v1.1.0" });
  });

  test("that cannot be had are not found, with Go's reason", async () => {
    await using mirror = await startMirror();
    const { status, body } = await get(`${mirror.url}${path}/@v/v2.0.0.info`);
    expect(status).toBe(404);
    expect(body).toMatch(/example.com\/Tiny@v2\.0\.0: reading .*v2\.0\.0\.info/);
  });

  test("are nothing else that could be at such a path", async () => {
    await using mirror = await startMirror();
    const paths = [
      "/-/go/example.com/../../secret/@v/v1.0.0.zip",
      "/-/go/-x/@v/list",
      `${path}/@v/..%2f..%2fsecret.zip`,
      `${path}/@v/v1.0.0.lock`,
      "/-/go/sumdb/sum.example/supported",
    ];
    for (const other of paths) expect(await statusOf(mirror.url, other)).toBe(404);
    expect(mirror.log.filter((line) => line.startsWith("go:"))).toEqual([]);
  });
});

describe("npm packages", () => {
  const asked: { path: string; authorization: string | undefined }[] = [];
  const state = { isDown: false };
  const registry = createServer((asking, response) => {
    const { status, body } = answer(asking);
    response.writeHead(status, { etag: '"1"' }).end(body);
  });
  let url = "";

  /** A registry with one package, whose tarball lies elsewhere than those of npm's own registry do. */
  function answer({ url: path = "", headers }: IncomingMessage): { status: number; body: string } {
    asked.push({ path, authorization: headers.authorization });
    if (state.isDown) return { status: 503, body: "" };
    if (path === "/files/tiny-1.0.0.tgz") return { status: 200, body: "tarball" };
    if (path === "/npm/plain/-/plain-1.0.0.tgz") return { status: 200, body: "plain tarball" };
    if (path !== "/npm/@shop%2ftiny") return { status: 404, body: "" };
    if (headers["if-none-match"] === '"1"') return { status: 304, body: "" };
    const dist = { tarball: `${url}/files/tiny-1.0.0.tgz`, integrity: "sha512-x" };
    return { status: 200, body: JSON.stringify({ name: "@shop/tiny", versions: { "1.0.0": { dist } } }) };
  }

  beforeAll(async () => {
    await once(registry.listen(0, "127.0.0.1"), "listening");
    const address = registry.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const credentials = `${url.replace("http:", "")}/npm/:_authToken=\${TOKEN}`;
    writeFileSync(join(home, ".npmrc"), `registry=${url}/npm\n${credentials}\n`);
  });
  afterAll(() => registry.close());

  test("come from npm's registry with npm's credentials, and lead to the mirror alone", async () => {
    await using mirror = await startMirror();
    const { body } = await get(`${mirror.url}/@shop%2ftiny`);
    const dist = { tarball: `${mirror.url}/@shop/tiny/-/tiny-1.0.0.tgz`, integrity: "sha512-x" };
    expect(JSON.parse(body)).toEqual({ name: "@shop/tiny", versions: { "1.0.0": { dist } } });
    expect(await get(dist.tarball)).toEqual({ status: 200, body: "tarball" });
    expect(await get(`${mirror.url}/plain/-/plain-1.0.0.tgz`)).toEqual({ status: 200, body: "plain tarball" });
    expect(asked).toEqual([
      { path: "/npm/@shop%2ftiny", authorization: "Bearer the-token" },
      // Not below what the token is for.
      { path: "/files/tiny-1.0.0.tgz", authorization: undefined },
      { path: "/npm/plain/-/plain-1.0.0.tgz", authorization: "Bearer the-token" },
    ]);
  });

  test("are then there without it; what lists them is asked for after a while, if it can be", async () => {
    await using mirror = await startMirror();
    asked.length = 0;
    const urls = [`${mirror.url}/@shop%2ftiny`, `${mirror.url}/@shop/tiny/-/tiny-1.0.0.tgz`];
    const first = await Promise.all(urls.map(get));
    expect(first.map(({ status }) => status)).toEqual([200, 200]);
    expect(asked).toEqual([]);
    age();
    expect(await Promise.all(urls.map(get))).toEqual(first);
    expect(asked.map(({ path }) => path)).toEqual(["/npm/@shop%2ftiny"]);
    age();
    state.isDown = true;
    expect(await Promise.all(urls.map(get))).toEqual(first);
    state.isDown = false;
    expect(mirror.log).toContain("npm: @shop/tiny as it was before: the registry answers 503 for @shop/tiny");
  });

  test("that the registry does not have are not found", async () => {
    await using mirror = await startMirror();
    expect(await get(`${mirror.url}/missing`)).toEqual({ status: 404, body: "the registry answers 404 for missing" });
    expect((await get(`${mirror.url}/missing/-/missing-1.0.0.tgz`)).status).toBe(404);
    expect((await fetch(`${mirror.url}/-/npm/v1/security/advisories/bulk`, { method: "POST" })).status).toBe(404);
  });

  /** Lets what lists the versions of a package be of long ago. */
  function age(): void {
    const files = execFileSync("find", [cache, "-name", "document*.json"], { encoding: "utf8" }).trim().split("\n");
    for (const file of files) utimesSync(file, 0, 0);
  }
});
