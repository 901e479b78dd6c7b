import { architectureOf, imageArchive } from "./image-archive.ts";

/** Name under which containerd knows the image that holds a pod's namespaces open. */
export const pauseImageName = "sandbox.local/pause:1";

/**
 * The image is made here, since the usual one lies in a registry that a closed network does not reach. Its one file is a static
 * executable that does nothing but wait.
 *
 * @param nodeArchitecture as `process.arch` has it
 */
export async function pauseImageArchive(nodeArchitecture: string): Promise<Buffer> {
  const pause = { content: pauseExecutable(architectureOf(nodeArchitecture)) };
  const image = { name: pauseImageName, files: { pause }, entrypoint: ["/pause"], user: "65535:65535" };
  return await imageArchive(image, nodeArchitecture);
}

/** A 64-bit ELF file of one segment: two headers, then the instructions. */
export function pauseExecutable(architecture: "amd64" | "arm64"): Buffer {
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
