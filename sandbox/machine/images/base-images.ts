import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { cached, cacheDir, withLock } from "../cache.ts";
import { run } from "../command.ts";
import { choosePort } from "../ports.ts";
import { stopProcess } from "../process.ts";
import { frontendLayer, goLayer, nodeLayer, systemLayer } from "./image-layers.ts";
import { findToolchains, goRelease, type Toolchains } from "./toolchains.ts";
import { startMirror } from "./registry.ts";

interface BaseImageOptions {
  stateDir: string;
  tools: { registry: string; crane: string; "dockerfile-frontend": string };
  /** Statically linked busybox: shell and commands of the images. */
  busybox: string;
  report: (line: string) => void;
}

const layoutVersion = 2;

/**
 * Makes the stand-ins for those of Docker Hub's images that Dockerfiles start from, once per machine: `golang` from this
 * machine's own Go and busybox, `node` from its Node.js and npm, `busybox` and `alpine` (without apk) from busybox, and
 * BuildKit's `docker/dockerfile`. Older releases of Go and Node.js are asked for by name and answered by these.
 *
 * @returns folder of a registry's files, to be served by {@link startMirror}
 * @throws Error when there is no Go
 */
export async function baseImages(options: BaseImageOptions): Promise<string> {
  const toolchains = await findToolchains();
  const key = createHash("sha256").update(
    JSON.stringify([layoutVersion, toolchains, options.busybox, options.tools["dockerfile-frontend"]]),
  );
  const path = join(cacheDir(), "base-images", key.digest("hex").slice(0, 16));
  if (existsSync(path)) return path;
  // One at a time: the registry that is written to has one name and one port in a sandbox.
  const waiting = (owner: number, seconds: number): void =>
    options.report(`base images: waiting for process ${owner}, which makes them … ${seconds} s`);
  return withLock(`${path}.lock`, waiting, () => cached(path, (folder) => make(options, toolchains, folder)));
}

async function make(options: BaseImageOptions, toolchains: Toolchains, folder: string): Promise<void> {
  const { go, node } = toolchains;
  options.report(
    `base images: making golang:${goRelease} from Go ${go.version} of this machine, ${node === undefined ? "" : `node:${node.version.split(".")[0]}, `}busybox, alpine`,
  );
  if (node === undefined)
    options.report("base images: no image `node`, since the npm on PATH is not installed with all that belongs to it");
  const { stateDir, tools } = options;
  const work = join(folder, "work");
  mkdirSync(work);
  const port = await choosePort(stateDir, "base-images", 5003);
  const { host } = await startMirror({ stateDir, tools, port, folder, writable: true });
  try {
    for (const image of await describeImages(options, toolchains, work)) await pushImage(tools.crane, host, image);
  } finally {
    await stopProcess(stateDir, "base-images");
  }
  rmSync(work, { recursive: true });
}

interface BaseImage {
  name: string;
  tags: readonly string[];
  /** Paths of archives, the lowest first. */
  layers: readonly string[];
  /** Options of `crane mutate`. */
  settings: readonly string[];
}

async function describeImages(
  { tools, busybox }: BaseImageOptions,
  { go, node }: Toolchains,
  work: string,
): Promise<BaseImage[]> {
  const [system, golang, nodejs, frontend] = await Promise.all([
    systemLayer(busybox, work),
    goLayer(go.root, work),
    node === undefined ? undefined : nodeLayer(node.npm, work),
    frontendLayer(tools["dockerfile-frontend"], work),
  ]);
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const shell = [...environment({ PATH: path }), "--cmd", "sh"];
  const goSettings = environment({
    PATH: `/go/bin:/usr/local/go/bin:${path}`,
    GOLANG_VERSION: go.version,
    GOPATH: "/go",
    GOTOOLCHAIN: "local",
  });
  const images = [
    { name: "library/busybox", tags: ["latest", "1", "stable"], layers: [system], settings: shell },
    { name: "library/alpine", tags: ["latest", "3"], layers: [system], settings: shell },
    {
      name: "library/golang",
      tags: tagsOf(goReleases(go.version), ["alpine", "bookworm"]),
      layers: [system, golang],
      settings: [...goSettings, "--workdir", "/go", "--cmd", "sh"],
    },
    {
      name: "docker/dockerfile",
      tags: ["latest", "1"],
      layers: [frontend],
      settings: ["--entrypoint", "/bin/dockerfile-frontend", ...frontendLabels()],
    },
  ];
  if (node === undefined || nodejs === undefined) return images;
  const settings = [...environment({ PATH: path, NODE_VERSION: node.version }), "--cmd", "node"];
  const tags = tagsOf(nodeReleases(node.version), ["alpine", "slim", "bookworm", "bookworm-slim"]);
  return [...images, { name: "library/node", tags, layers: [system, nodejs], settings }];
}

function environment(variables: Readonly<Record<string, string>>): string[] {
  return Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
}

function frontendLabels(): string[] {
  const capabilities = ["inputs", "subrequests", "contexts", "gitquerystring", "contexts.zstd"]
    .map((name) => `moby.buildkit.frontend.${name}`)
    .join(",");
  // The option's value is a list of comma-separated pairs itself: quotes keep the second one together.
  const labels = ["moby.buildkit.frontend.network.none=true", `"moby.buildkit.frontend.caps=${capabilities}"`];
  return labels.flatMap((label) => ["--label", label]);
}

/** What Docker Hub's tags of Go may begin with: releases since modules have the form that they have today. */
function goReleases(version: string): string[] {
  const [, minor = 0] = version.split(".").map(Number);
  const minors = Array.from({ length: Math.max(0, minor - 20) }, (_, index) => `1.${21 + index}`);
  return ["latest", ...new Set([version, goRelease, ...minors, "1"])];
}

/** The same for Node.js: its releases with long-term support have even numbers. */
function nodeReleases(version: string): string[] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const majors = [18, 20, 22, major].filter((line) => line <= major).map(String);
  return ["latest", ...new Set([version, `${major}.${minor}`, ...majors, "lts", "current"])];
}

/** Every release alone and with every variant; the newest of a variant is the variant's name alone. */
function tagsOf(releases: readonly string[], variants: readonly string[]): string[] {
  return releases.flatMap((release) => [
    release,
    ...variants.map((variant) => (release === "latest" ? variant : `${release}-${variant}`)),
  ]);
}

async function pushImage(crane: string, host: string, { name, tags, layers, settings }: BaseImage): Promise<void> {
  const platform = `linux/${arch() === "x64" ? "amd64" : arch()}`;
  const [first = "latest", ...others] = tags;
  // An empty Docker configuration: the user's own may name a credential helper that waits for an answer.
  const options = { env: { DOCKER_CONFIG: "/nonexistent" }, timeoutSeconds: 120 };
  const reference = `${host}/${name}:${first}`;
  const added = layers.flatMap((layer) => ["--new_layer", layer]);
  await run(crane, ["append", "--oci-empty-base", "--new_tag", reference, ...added], options);
  await run(crane, ["mutate", reference, "--tag", reference, "--set-platform", platform, ...settings], options);
  const manifest = `http://${host}/v2/${name}/manifests`;
  const type = "application/vnd.oci.image.manifest.v1+json";
  const body = await (await fetch(`${manifest}/${first}`, { headers: { accept: type } })).text();
  for (const tag of others) {
    const answer = await fetch(`${manifest}/${tag}`, { method: "PUT", headers: { "content-type": type }, body });
    if (!answer.ok) throw new Error(`${host} does not take the tag ${name}:${tag}: ${answer.status}`);
  }
}
