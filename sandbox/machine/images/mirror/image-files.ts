import { spawn } from "node:child_process";
import { createHash, type Hash } from "node:crypto";
import { createWriteStream, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { LayerFiles } from "./image-layers.ts";

/** How containers of an image start. Source: https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig {
  readonly Env?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

export const manifestType = "application/vnd.oci.image.manifest.v1+json";

/**
 * Writes an image into a folder: each of its parts under its digest, and the digest of its manifest as `manifest`.
 * @param layers the lowest first
 */
export async function writeImage(folder: string, config: ImageConfig, layers: readonly LayerFiles[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const written = await Promise.all(layers.map((layer, index) => writeLayer(folder, layer, `layer-${index}`)));
  const platform = { architecture: process.arch === "x64" ? "amd64" : process.arch, os: "linux" };
  const content = { ...platform, config, rootfs: { type: "layers", diff_ids: written.map(({ diffId }) => diffId) } };
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...writeBlob(folder, JSON.stringify(content)) },
    layers: written.map(({ digest, size }) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      digest,
      size,
    })),
  };
  writeFileSync(join(folder, "manifest"), writeBlob(folder, JSON.stringify(manifest)).digest);
}

interface Blob {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

function writeBlob(folder: string, content: string): Blob {
  const digest = digestOf(createHash("sha256").update(content));
  writeFileSync(join(folder, digest), content);
  return { digest, size: Buffer.byteLength(content) };
}

/** By a stream, since a layer has some hundred megabytes. `diffId` is the digest of what has been compressed. */
async function writeLayer(
  folder: string,
  { folder: files, tarArguments }: LayerFiles,
  temporaryName: string,
): Promise<Blob & { readonly diffId: string }> {
  // The same files are the same layer, whoever owns them here.
  const fixed = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--sort=name"];
  const args = ["--create", "--file=-", ...fixed, `--directory=${files}`, ...tarArguments, "."];
  const tar = spawn("tar", args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    tar.on("error", reject).on("close", resolve);
  });
  const [plain, compressed] = [createHash("sha256"), createHash("sha256")];
  const temporary = createWriteStream(join(folder, temporaryName));
  const gzip = createGzip({ level: 1, chunkSize: 256 * 1024 });
  const [code, errors] = await Promise.all([
    ended,
    text(tar.stderr),
    pipeline(tar.stdout, hashedInto(plain), gzip, hashedInto(compressed), temporary),
  ]);
  if (code !== 0) throw new Error(`tar of ${files} failed: ${errors.trim()}`);
  const digest = digestOf(compressed);
  renameSync(join(folder, temporaryName), join(folder, digest));
  return { digest, size: temporary.bytesWritten, diffId: digestOf(plain) };
}

function hashedInto(hash: Hash): (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (source) {
    for await (const chunk of source) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

function digestOf(hash: Hash): string {
  return `sha256:${hash.digest("hex")}`;
}
