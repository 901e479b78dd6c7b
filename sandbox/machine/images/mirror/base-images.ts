import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { cached } from "../../cache.ts";
import type { MirrorAnswer } from "./answer.ts";
import { manifestType, writeImage, type ImageConfig } from "./image-files.ts";
import { frontendLayer, goLayer, nodeLayer, systemLayer, type LayerFiles } from "./image-layers.ts";
import { toolchainsSchema } from "./toolchains.ts";

/** What the images are made from; paths. */
export const materialsSchema = z.strictObject({
  toolchains: toolchainsSchema,
  /** Statically linked: shell and commands of the images. */
  busybox: z.string(),
  /** BuildKit's frontend for Dockerfiles. */
  frontend: z.string(),
});
export type Materials = z.infer<typeof materialsSchema>;

/** An image of Docker Hub that is made here. */
interface BaseImage {
  /** What is in the layers, for the name under which they are kept. */
  readonly contents: readonly string[];
  /** The tags under which it is served. */
  readonly tags: RegExp;
  readonly config: ImageConfig;
  readonly layers: (work: string) => Promise<LayerFiles[]>;
}

/** To be raised with what is in a layer. The same contents under another digest would keep BuildKit from exporting its layer cache. */
const layoutVersion = 2;

/**
 * Serves the stand-ins for those of Docker Hub's images that Dockerfiles start from: `golang` and `node` from this machine's
 * own and busybox, `busybox` and `alpine` (without apk) from busybox, and BuildKit's `docker/dockerfile`. Each is made when it
 * is asked for the first time, once per machine. Source: https://github.com/opencontainers/distribution-spec (pull)
 *
 * @param folder where images are kept
 * @returns answers the path below the registry's API; `undefined`: the image is not made here
 */
export function baseImageMirror(
  folder: string,
  materials: Materials,
  log: (line: string) => void,
): (path: string) => Promise<MirrorAnswer | undefined> {
  const images = describeImages(materials);
  const underway = new Map<string, Promise<string>>();
  const imageFolder = (name: string, image: BaseImage): Promise<string> => {
    const making = underway.get(name) ?? makeImage(folder, name, image, log).finally(() => void underway.delete(name));
    underway.set(name, making);
    return making;
  };
  return async (path) => {
    if (path === "") return { content: "{}", type: "application/json" };
    const [, name = "", kind, reference = ""] = /^([\w/]+)\/(manifests|blobs)\/([\w.:-]+)$/.exec(path) ?? [];
    const image = images[name];
    const isDigest = /^sha256:[0-9a-f]{64}$/.test(reference);
    if (image === undefined || !(isDigest || image.tags.test(reference))) return undefined;
    const made = await imageFolder(name, image);
    const digest = isDigest ? reference : readFileSync(join(made, "manifest"), "utf8");
    const file = join(made, digest);
    if (!existsSync(file)) return undefined;
    const type = kind === "manifests" ? manifestType : "application/octet-stream";
    return { content: { file }, type, headers: { "docker-content-digest": digest } };
  };
}

/** @returns the folder that has the image's parts */
async function makeImage(
  folder: string,
  name: string,
  { contents, config, layers }: BaseImage,
  log: (line: string) => void,
): Promise<string> {
  const key = createHash("sha256").update(JSON.stringify([layoutVersion, contents, config]));
  const path = join(folder, `${name.replace("/", "-")}-${key.digest("hex").slice(0, 16)}`);
  return cached(path, async (unfinished) => {
    log(`base images: making ${name}`);
    const work = join(unfinished, "work");
    mkdirSync(work);
    await writeImage(unfinished, config, await layers(work));
    rmSync(work, { recursive: true });
    log(`base images: ${name} is made`);
  });
}

function describeImages({ toolchains: { go, node }, busybox, frontend }: Materials): Record<string, BaseImage> {
  const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const system = (work: string): Promise<LayerFiles> => systemLayer(busybox, work);
  const shell = { Env: [`PATH=${path}`], Cmd: ["sh"] };
  const images: Record<string, BaseImage> = {
    "library/busybox": {
      contents: [busybox],
      tags: /^(latest|stable|1(\.\d+){0,2})(-(glibc|musl|uclibc))?$/,
      config: shell,
      layers: async (work) => [await system(work)],
    },
    "library/alpine": {
      contents: [busybox],
      tags: /^(latest|3(\.\d+){0,2})$/,
      config: shell,
      layers: async (work) => [await system(work)],
    },
    "library/golang": {
      contents: [busybox, go.version],
      tags: releaseTags(goReleases(go.version)),
      config: {
        Env: [
          `PATH=/go/bin:/usr/local/go/bin:${path}`,
          `GOLANG_VERSION=${go.version}`,
          "GOPATH=/go",
          "GOTOOLCHAIN=local",
        ],
        Cmd: ["sh"],
        WorkingDir: "/go",
      },
      layers: async (work) => [await system(work), goLayer(go.root)],
    },
    "docker/dockerfile": {
      contents: [frontend],
      tags: /^(latest|1(\.\d+){0,2})$/,
      config: { Entrypoint: ["/bin/dockerfile-frontend"], Labels: frontendLabels() },
      layers: (work) => Promise.resolve([frontendLayer(frontend, work)]),
    },
  };
  if (node === undefined) return images;
  const nodeImage = {
    contents: [busybox, node.version, node.npmVersion],
    tags: releaseTags(nodeReleases(node.version)),
    config: { Env: [`PATH=${path}`, `NODE_VERSION=${node.version}`], Cmd: ["node"] },
    layers: async (work: string) => [await system(work), await nodeLayer(node.path, node.npm, work)],
  };
  return { ...images, "library/node": nodeImage };
}

function frontendLabels(): Record<string, string> {
  const capabilities = ["inputs", "subrequests", "contexts", "gitquerystring", "contexts.zstd"];
  return {
    "moby.buildkit.frontend.network.none": "true",
    "moby.buildkit.frontend.caps": capabilities.map((name) => `moby.buildkit.frontend.${name}`).join(","),
  };
}

/** The releases that this machine's Go answers to: itself, and those since a go.mod says which toolchain it needs. */
function goReleases(version: string): string[] {
  const [, minor = 0, patch = 0] = version.split(".").map(Number);
  const minors = Array.from({ length: Math.max(0, minor - 21) }, (_, index) => String.raw`1\.${21 + index}(\.\d+)?`);
  return ["1", String.raw`1\.${minor}`, ...upTo(String.raw`1\.${minor}\.`, patch), ...minors];
}

/** The same for Node.js: itself, and the releases with long-term support, which have even numbers. */
function nodeReleases(version: string): string[] {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const earlier = [18, 20, 22].filter((line) => line < major).map((line) => String.raw`${line}(\.\d+){0,2}`);
  const own = [String(major), ...upTo(String.raw`${major}\.`, minor)];
  const minors = upTo(String.raw`${major}\.`, minor - 1).map((release) => String.raw`${release}\.\d+`);
  return [...own, ...minors, ...upTo(String.raw`${major}\.${minor}\.`, patch), ...earlier, "lts", "current"];
}

/** What begins with `prefix` and goes on with a number from 0 to `last`, as parts of a regular expression. */
function upTo(prefix: string, last: number): string[] {
  return Array.from({ length: last + 1 }, (_, number) => `${prefix}${number}`);
}

/** The distributions that images are made of; here all are the same. */
const variants = String.raw`alpine(3\.\d+)?|(slim-)?(bullseye|bookworm|trixie)|slim|(bullseye|bookworm|trixie)-slim`;

/** Tags of releases and variants: `1.26`, `1.26-alpine`, `latest`, `alpine`. */
function releaseTags(releases: readonly string[]): RegExp {
  return new RegExp(`^(latest|(${variants})|(${releases.join("|")})(-(${variants}))?)$`);
}
