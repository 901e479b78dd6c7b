import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { ProcessError, runProcess } from "../../../core/process.ts";

type Architecture = "amd64" | "arm64";

/** A file of an image: what is in it, the file of this machine that it is a copy of, what it points to, or a folder. */
export type ImageFile = { content: string | Buffer } | { copyOf: string } | { link: string } | "folder";

export interface ImageContent {
  /** As pods name it, with its tag. */
  name: string;
  /** By their paths, without a slash at the beginning; all can be executed. */
  files: Readonly<Record<string, ImageFile>>;
  entrypoint: readonly string[];
  /** @default root */
  user?: string;
  /** @default none */
  env?: Readonly<Record<string, string>>;
}

/**
 * An image of one layer as an archive (tar) in the format of `docker save`, which `ctr images import` reads: the same for the
 * same content. It needs no registry, which a closed network does not reach.
 *
 * @param nodeArchitecture as `process.arch` has it
 */
export async function imageArchive(
  { name, files, entrypoint, user, env }: ImageContent,
  nodeArchitecture: string,
): Promise<Buffer> {
  const architecture = architectureOf(nodeArchitecture);
  using work = temporaryDirectory("delivery-image-");
  const root = join(work.path, "root");
  mkdirSync(root);
  for (const [path, file] of Object.entries(files)) put(join(root, path), file);
  const layer = await tar(root, readdirSync(root).toSorted());
  writeFileSync(join(work.path, "layer.tar"), layer);
  const config = {
    architecture,
    os: "linux",
    config: {
      Entrypoint: entrypoint,
      ...(user === undefined ? {} : { User: user }),
      ...(env === undefined ? {} : { Env: Object.entries(env).map(([variable, value]) => `${variable}=${value}`) }),
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
  };
  writeFileSync(join(work.path, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
  writeFileSync(join(work.path, "manifest.json"), JSON.stringify(manifest));
  return await tar(work.path, ["manifest.json", "config.json", "layer.tar"]);
}

function put(path: string, file: ImageFile): void {
  mkdirSync(file === "folder" ? path : dirname(path), { recursive: true });
  if (file === "folder") return;
  if ("link" in file) return symlinkSync(file.link, path);
  if ("copyOf" in file) copyFileSync(file.copyOf, path);
  else writeFileSync(path, file.content);
  chmodSync(path, 0o755);
}

/** An archive of files in a folder, the same for the same contents. */
async function tar(folder: string, files: readonly string[]): Promise<Buffer> {
  const fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--mode=755"];
  const ended = await runProcess("tar", ["--create", "--file=-", ...fixed, `--directory=${folder}`, ...files]);
  if (ended.code !== 0) throw new ProcessError("tar", ended);
  return ended.stdout;
}

/** @throws Error for one that no pods run on */
export function architectureOf(name: string): Architecture {
  if (name === "x64") return "amd64";
  if (name === "arm64") return "arm64";
  throw new Error(`There is no image for the architecture "${name}": pods run on x64 and arm64 only.`);
}
