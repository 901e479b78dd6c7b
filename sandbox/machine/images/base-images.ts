import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { dirname, join } from "node:path";
import { cached, cacheDir, withLock } from "../cache.ts";
import { run } from "../command.ts";
import { choosePort } from "../ports.ts";
import { stopProcess } from "../process.ts";
import { startMirror } from "./registry.ts";

interface BaseImageOptions {
  stateDir: string;
  tools: { registry: string; crane: string; "dockerfile-frontend": string };
  /** Statically linked busybox: shell and commands of the images. */
  busybox: string;
  report: (line: string) => void;
}

/** The release that the example's Dockerfiles name. A newer Go of the machine answers to it too. */
const goRelease = "1.26";
const goVersion = "1.26.8";
const layoutVersion = 1;

/**
 * Makes the stand-ins for those of Docker Hub's images that Dockerfiles start from, once per machine: `golang` from this
 * machine's own Go and busybox, `busybox` and `alpine` (without apk) from busybox, and BuildKit's `docker/dockerfile`.
 *
 * @returns folder of a registry's files, to be served by {@link startMirror}
 * @throws Error when there is no Go
 */
export async function baseImages(options: BaseImageOptions): Promise<string> {
  const go = await findGo();
  const key = createHash("sha256").update(
    JSON.stringify([layoutVersion, go.version, options.busybox, options.tools["dockerfile-frontend"]]),
  );
  const path = join(cacheDir(), "base-images", key.digest("hex").slice(0, 16));
  if (existsSync(path)) return path;
  // One at a time: the registry that is written to has one name and one port in a sandbox.
  const waiting = (owner: number, seconds: number): void =>
    options.report(`base images: waiting for process ${owner}, which makes them … ${seconds} s`);
  return withLock(`${path}.lock`, waiting, () => cached(path, (folder) => make(options, go, folder)));
}

async function make(options: BaseImageOptions, go: Go, folder: string): Promise<void> {
  options.report(`base images: making golang:${goRelease} from Go ${go.version} of this machine, busybox, alpine`);
  const { stateDir, tools } = options;
  const work = join(folder, "work");
  mkdirSync(work);
  const port = await choosePort(stateDir, "base-images", 5003);
  const { host } = await startMirror({ stateDir, tools, port, folder, writable: true });
  try {
    await pushImages(options, go, work, host);
  } finally {
    await stopProcess(stateDir, "base-images");
  }
  rmSync(work, { recursive: true });
}

interface Go {
  root: string;
  version: string;
}

async function findGo(): Promise<Go> {
  const local = await goEnvironment({ GOTOOLCHAIN: "local" }).catch((error: unknown) => {
    throw new Error(
      `The base image golang:${goRelease} is made from this machine's Go, and "go" does not run here: install Go ${goRelease} (https://go.dev/dl) and have it on PATH.`,
      { cause: error },
    );
  });
  if (minorOf(local.version) >= minorOf(goRelease)) return local;
  return goEnvironment({ GOTOOLCHAIN: `go${goVersion}` });
}

function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}

async function goEnvironment(env: Record<string, string>): Promise<Go> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const output = await run("go", ["env", "GOROOT", "GOVERSION"], {
    env: { ...inherited, GOWORK: "off", ...env },
    timeoutSeconds: 300,
  });
  const [root = "", version = ""] = output.split("\n");
  return { root, version: version.replace(/^go/, "") };
}

async function pushImages({ tools, busybox }: BaseImageOptions, go: Go, work: string, host: string): Promise<void> {
  const system = await systemLayer(busybox, work);
  const [golang, frontend] = await Promise.all([
    goLayer(go.root, work),
    frontendLayer(tools["dockerfile-frontend"], work),
  ]);
  const push = (
    name: string,
    tags: readonly string[],
    layers: readonly string[],
    settings: readonly string[],
  ): Promise<void> => pushImage(tools.crane, `${host}/${name}`, tags, layers, settings);
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  await push("library/busybox", ["latest", "1", "stable"], [system], ["--env", `PATH=${path}`, "--cmd", "sh"]);
  await push("library/alpine", ["latest", "3"], [system], ["--env", `PATH=${path}`, "--cmd", "sh"]);
  const minor = go.version.split(".").slice(0, 2).join(".");
  const releases = [...new Set([goRelease, minor, go.version, "1"])];
  const environment = [
    `PATH=/go/bin:/usr/local/go/bin:${path}`,
    `GOLANG_VERSION=${go.version}`,
    "GOPATH=/go",
    "GOTOOLCHAIN=local",
  ];
  const settings = [...environment.flatMap((entry) => ["--env", entry]), "--workdir", "/go", "--cmd", "sh"];
  const tags = [...releases, ...releases.map((release) => `${release}-alpine`), "latest", "alpine"];
  await push("library/golang", tags, [system, golang], settings);
  const capabilities = ["inputs", "subrequests", "contexts", "gitquerystring", "contexts.zstd"]
    .map((name) => `moby.buildkit.frontend.${name}`)
    .join(",");
  // The option's value is a list of comma-separated pairs itself: quotes keep the second one together.
  const labels = ["moby.buildkit.frontend.network.none=true", `"moby.buildkit.frontend.caps=${capabilities}"`];
  const entrypoint = ["--entrypoint", "/bin/dockerfile-frontend"];
  await push(
    "docker/dockerfile",
    ["latest", "1"],
    [frontend],
    [...entrypoint, ...labels.flatMap((label) => ["--label", label])],
  );
}

async function pushImage(
  crane: string,
  name: string,
  tags: readonly string[],
  layers: readonly string[],
  settings: readonly string[],
): Promise<void> {
  const platform = `linux/${arch() === "x64" ? "amd64" : arch()}`;
  const [first = "latest", ...others] = tags;
  // An empty Docker configuration: the user's own may name a credential helper that waits for an answer.
  const env = { DOCKER_CONFIG: "/nonexistent" };
  const reference = `${name}:${first}`;
  await run(
    crane,
    ["append", "--oci-empty-base", "--new_tag", reference, ...layers.flatMap((layer) => ["--new_layer", layer])],
    { env, timeoutSeconds: 120 },
  );
  await run(crane, ["mutate", reference, "--tag", reference, "--set-platform", platform, ...settings], {
    env,
    timeoutSeconds: 120,
  });
  for (const tag of others) await run(crane, ["tag", reference, tag], { env });
}

/** What every image has: busybox under all its names, the users root and nobody, and this machine's certificate authorities. */
async function systemLayer(busybox: string, work: string): Promise<string> {
  const root = join(work, "system");
  for (const folder of ["bin", "etc/ssl/certs", "root", "tmp", "var/tmp", "go/bin", "go/src"])
    mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ["tmp", "var/tmp"]) chmodSync(join(root, folder), 0o1777);
  copyFileSync(busybox, join(root, "bin/busybox"));
  chmodSync(join(root, "bin/busybox"), 0o755);
  for (const applet of (await run(busybox, ["--list-full"]))
    .split("\n")
    .filter((name) => name !== "" && name !== "bin/busybox")) {
    mkdirSync(dirname(join(root, applet)), { recursive: true });
    symlinkSync("/bin/busybox", join(root, applet));
  }
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  const authorities = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"].find((path) =>
    existsSync(path),
  );
  if (authorities !== undefined)
    cpSync(authorities, join(root, "etc/ssl/certs/ca-certificates.crt"), { dereference: true });
  return archive(root, join(work, "system.tar.gz"), []);
}

/** The Go distribution without its own tests and the sources of its commands: they are half of its size, and building programs does not read them. */
function goLayer(root: string, work: string): Promise<string> {
  const left = ["./test", "./api", "./doc", "./misc", "./src/cmd", "testdata", "*_test.go"].map(
    (pattern) => `--exclude=${pattern}`,
  );
  // Distributions make GOROOT of symbolic links to other folders.
  return archive(root, join(work, "go.tar.gz"), ["--dereference", ...left, "--transform=s,^\\.,./usr/local/go,"]);
}

/** BuildKit's frontend for Dockerfiles. */
async function frontendLayer(frontend: string, work: string): Promise<string> {
  const root = join(work, "frontend");
  mkdirSync(join(root, "bin"), { recursive: true });
  copyFileSync(frontend, join(root, "bin/dockerfile-frontend"));
  chmodSync(join(root, "bin/dockerfile-frontend"), 0o755);
  return archive(root, join(work, "frontend.tar.gz"), []);
}

async function archive(root: string, path: string, args: readonly string[]): Promise<string> {
  const settings = [
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mtime=@0",
    "--sort=name",
    "--use-compress-program=gzip -1",
  ];
  await run("tar", ["--create", "--file", path, ...settings, "--directory", root, ...args, "."], {
    timeoutSeconds: 300,
  });
  return path;
}
