import { chmodSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cached, cacheDir } from "../cache.ts";
import { libraryPath, releaseKey, unpackPackages } from "./debian-packages.ts";
import { toolsOnPath } from "./path-tools.ts";

/** What a real node and image builds need besides the tools that Go builds; each path can be executed as it is. */
export interface DebianTools {
  containerd: string;
  /** Folder of containerd, its shim and ctr: on PATH for containerd. */
  containerdBinDir: string;
  runc: string;
  /** Folder of the CNI plugins (bridge, host-local, loopback, portmap …). */
  cniBinDir: string;
  nft: string;
  ip: string;
  /** Statically linked, so that it runs in an image without libraries. */
  busybox: string;
}

/** The tools that could be had, and why the others could not. */
export interface DebianOutcome {
  tools: Partial<DebianTools>;
  /** Set when a tool is missing: pods are then simulated, or images cannot be built. */
  reason?: string;
}

const packages = ["containerd", "runc", "containernetworking-plugins", "nftables", "iproute2", "busybox-static"];
/** Packages whose libraries must come along, since a small system may lack them. */
const withLibraries = ["runc", "nftables", "iproute2"];
/** Documentation, configuration, and shims of a protocol that containerd has left. */
const waste = [
  "usr/share",
  "etc",
  "var",
  "usr/bin/containerd-shim",
  "usr/bin/containerd-shim-runc-v1",
  "usr/bin/containerd-stress",
];
/** To be raised when the cache entry's content changes for a reason that the package names do not show. */
const layout = 3;

const places: Readonly<Record<keyof DebianTools, string>> = {
  // Beside its shim and ctr.
  containerd: "root/usr/bin/containerd",
  containerdBinDir: "root/usr/bin",
  runc: "bin/runc",
  cniBinDir: "root/usr/lib/cni",
  nft: "bin/nft",
  ip: "bin/ip",
  busybox: "bin/busybox",
};

/**
 * Unpacks the Debian packages that the sandbox needs into the cache, once per machine and release; nothing is installed
 * and no root is needed. Where there is no apt, tools on PATH are taken as they are.
 *
 * @param report takes one line of progress
 */
export async function debianTools(report: (line: string) => void): Promise<DebianOutcome> {
  const path = join(cacheDir(), "debian", releaseKey([packages, withLibraries, layout]));
  try {
    await cached(path, async (folder) => {
      report("debian packages: downloading containerd, runc, CNI plugins, nftables, iproute2, busybox");
      await unpack(folder, path);
      report("debian packages: unpacked");
    });
  } catch (error) {
    return toolsOnPath(error);
  }
  return { tools: Object.fromEntries(Object.entries(places).map(([tool, place]) => [tool, join(path, place)])) };
}

async function unpack(folder: string, finalPath: string): Promise<void> {
  const root = await unpackPackages(folder, packages, withLibraries);
  for (const file of waste) rmSync(join(root, file), { recursive: true, force: true });
  writeExecutables(folder, finalPath);
}

/** Executables that need unpacked libraries become scripts that name them; the others are linked. */
function writeExecutables(folder: string, finalPath: string): void {
  const root = join(folder, "root");
  mkdirSync(join(folder, "bin"));
  const libraries = libraryPath(root, join(finalPath, "root"));
  linkSync(join(root, executablePlace(root, "busybox")), join(folder, "bin", "busybox"));
  for (const name of ["runc", "nft", "ip"]) {
    const executable = join(finalPath, "root", executablePlace(root, name));
    const script = join(folder, "bin", name);
    writeFileSync(script, `#!/bin/sh\nLD_LIBRARY_PATH=${shellQuote(libraries)} exec ${shellQuote(executable)} "$@"\n`);
    chmodSync(script, 0o755);
  }
}

function executablePlace(root: string, name: string): string {
  const place = ["usr/bin", "usr/sbin", "bin", "sbin"]
    .map((dir) => join(dir, name))
    .find((candidate) => existsSync(join(root, candidate)));
  if (place === undefined) throw new Error(`The Debian packages ${packages.join(", ")} hold no executable "${name}".`);
  return place;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
