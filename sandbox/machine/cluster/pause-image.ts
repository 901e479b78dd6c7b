import { createHash } from "node:crypto";

/** Name under which containerd knows the image that holds a pod's namespaces open. */
export const pauseImageName = "sandbox.local/pause:1";

type Architecture = "amd64" | "arm64";

/**
 * The image as an OCI archive (tar), made here: the usual one lies in a registry that a closed network does not reach. Its
 * one file is a static executable that does nothing but wait.
 *
 * @param nodeArchitecture as `process.arch` has it
 */
export function pauseImageArchive(nodeArchitecture: string): Buffer {
  const architecture = architectureOf(nodeArchitecture);
  const layer = tar([{ path: "pause", content: pauseExecutable(architecture), mode: 0o755 }]);
  const config = json({
    architecture,
    os: "linux",
    config: { Entrypoint: ["/pause"], User: "65535:65535" },
    rootfs: { type: "layers", diff_ids: [digest(layer)] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
  });
  const index = json({
    schemaVersion: 2,
    manifests: [
      {
        ...descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
        platform: { architecture, os: "linux" },
        annotations: { "io.containerd.image.name": pauseImageName },
      },
    ],
  });
  const blobs = [layer, config, manifest].map((content) => ({
    path: `blobs/sha256/${digest(content).slice("sha256:".length)}`,
    content,
    mode: 0o644,
  }));
  return tar([
    { path: "oci-layout", content: json({ imageLayoutVersion: "1.0.0" }), mode: 0o644 },
    { path: "index.json", content: index, mode: 0o644 },
    ...blobs,
  ]);
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

/** A tar archive (ustar) of plain files. */
function tar(files: readonly { path: string; content: Buffer; mode: number }[]): Buffer {
  const blocks = files.flatMap(({ path, content, mode }) => [
    tarHeader(path, content.length, mode),
    content,
    Buffer.alloc(-content.length & 511),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function tarHeader(path: string, size: number, mode: number): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number): string => value.toString(8).padStart(length, "0");
  header.write(path, 0);
  header.write(octal(mode, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  header.write("0ustar\u000000", 156);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

function descriptor(mediaType: string, content: Buffer): { mediaType: string; size: number; digest: string } {
  return { mediaType, size: content.length, digest: digest(content) };
}

function digest(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
