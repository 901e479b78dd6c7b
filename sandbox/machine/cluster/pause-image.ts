import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryDirectory } from "../../../core/atomic-file.ts";
import { ProcessError, runProcess } from "../../../core/process.ts";

/** Name under which containerd knows the image that holds a pod's namespaces open. */
export const pauseImageName = "sandbox.local/pause:1";

type Architecture = "amd64" | "arm64";

/**
 * The image as an archive (tar) in the format of `docker save`, which `ctr images import` reads. It is made here, since the
 * usual one lies in a registry that a closed network does not reach, and without crane, which sets an entrypoint only on
 * images in a registry. Its one file is a static executable that does nothing but wait.
 *
 * @param nodeArchitecture as `process.arch` has it
 */
export async function pauseImageArchive(nodeArchitecture: string): Promise<Buffer> {
  const architecture = architectureOf(nodeArchitecture);
  using work = temporaryDirectory("delivery-pause-image-");
  const write = (name: string, content: string | Buffer): void => writeFileSync(join(work.path, name), content);
  write("pause", pauseExecutable(architecture));
  const layer = await tar(work.path, ["pause"]);
  write("layer.tar", layer);
  const config = {
    architecture,
    os: "linux",
    config: { Entrypoint: ["/pause"], User: "65535:65535" },
    rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
  };
  write("config.json", JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: [pauseImageName], Layers: ["layer.tar"] }];
  write("manifest.json", JSON.stringify(manifest));
  return await tar(work.path, ["manifest.json", "config.json", "layer.tar"]);
}

/** An archive of files in a folder, the same for the same contents. */
async function tar(folder: string, files: readonly string[]): Promise<Buffer> {
  const fixed = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--mode=755"];
  const ended = await runProcess("tar", ["--create", "--file=-", ...fixed, `--directory=${folder}`, ...files]);
  if (ended.code !== 0) throw new ProcessError("tar", ended);
  return ended.stdout;
}

/** A 64-bit ELF file of one segment: two headers, then the instructions. */
export function pauseExecutable(architecture: Architecture): Buffer {
  const code = Buffer.from(
    {
      // again: mov eax, 34 (pause); syscall; jmp again
      amd64: "b8220000000f05ebf7",
      // again: x0…x4 = 0; x8 = 73 (ppoll); svc 0; b again
      arm64: "000080d2010080d2020080d2030080d2040080d2280980d2010000d4f9ffff17",
    }[architecture],
    "hex",
  );
  const [loadAddress, headers] = [0x400000n, 0x40 + 0x38];
  const file = Buffer.alloc(headers + code.length);
  file.write("7f454c46020101", 0, "hex"); // magic, 64-bit, little-endian, version 1
  file.writeUInt16LE(2, 0x10); // an executable
  file.writeUInt16LE({ amd64: 62, arm64: 183 }[architecture], 0x12);
  file.writeUInt32LE(1, 0x14);
  file.writeBigUInt64LE(loadAddress + BigInt(headers), 0x18); // where it starts
  file.writeBigUInt64LE(0x40n, 0x20); // the program header follows this one
  file.writeUInt16LE(0x40, 0x34);
  file.writeUInt16LE(0x38, 0x36);
  file.writeUInt16LE(1, 0x38); // one program header
  file.writeUInt32LE(1, 0x40); // to be loaded
  file.writeUInt32LE(5, 0x44); // readable and executable
  file.writeBigUInt64LE(loadAddress, 0x50);
  file.writeBigUInt64LE(loadAddress, 0x58);
  file.writeBigUInt64LE(BigInt(file.length), 0x60);
  file.writeBigUInt64LE(BigInt(file.length), 0x68);
  file.writeBigUInt64LE(0x1000n, 0x70);
  code.copy(file, headers);
  return file;
}

function architectureOf(name: string): Architecture {
  if (name === "x64") return "amd64";
  if (name === "arm64") return "arm64";
  throw new Error(`There is no pause image for the architecture "${name}": pods run on x64 and arm64 only.`);
}
