import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../../../../../core/atomic-file.ts";

const main = join(import.meta.dirname, "../../../../../sandbox/machine/images/package-mirror/main.ts");
const directory = temporaryDirectory("package-mirror-test-");
const home = directory.path;
const cache = join(home, "cache");
afterAll(() => directory[Symbol.dispose]());

interface Mirror extends AsyncDisposable {
  url: string;
  log: string[];
}

/** The mirror as a process, on a machine whose home directory and environment are these. */
async function startMirror(): Promise<Mirror> {
  const child = spawn(process.execPath, [main, "--port", "0", "--cache", cache], {
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
      const [, address] = /^Package mirror at (.*)$/.exec(line) ?? [];
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
