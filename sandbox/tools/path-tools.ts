import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { DebianOutcome, DebianTools } from "./debian.ts";

/**
 * The node's tools that the machine has itself.
 *
 * @param error why Debian's packages cannot be had
 */
export function toolsOnPath(error: unknown): DebianOutcome {
  const cause =
    error instanceof Error ? (error.message.split("\n").findLast((line) => line.trim() !== "") ?? "") : String(error);
  const cni = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"].find((folder) => existsSync(join(folder, "bridge")));
  const containerd = which("containerd");
  const busybox = which("busybox");
  const found: Partial<DebianTools> = {
    ...(containerd === undefined ? {} : { containerd, containerdBinDir: join(containerd, "..") }),
    ...(cni === undefined ? {} : { cniBinDir: cni }),
    ...(busybox !== undefined && isStatic(busybox) ? { busybox } : {}),
    ...Object.fromEntries(
      ["runc", "nft", "ip"].flatMap((name) => (which(name) === undefined ? [] : [[name, which(name)]])),
    ),
  };
  const missing = ["containerd", "runc", "cniBinDir", "nft", "ip", "busybox"].filter((name) => !(name in found));
  if (missing.length === 0) return { tools: found };
  const reason = `${missing.join(", ")} missing: not on PATH, and the Debian packages cannot be fetched (${cause.trim()})`;
  return { tools: found, reason };
}

/** A dynamically linked program names its loader at the beginning of the file. */
function isStatic(path: string): boolean {
  return !readFileSync(path).subarray(0, 4096).includes("/ld-");
}

function which(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"].filter((folder) =>
    folder.startsWith("/"),
  );
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
