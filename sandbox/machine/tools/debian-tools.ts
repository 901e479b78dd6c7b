import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cached, cacheDir } from "../cache.ts";
import { which } from "../which.ts";
import { libraryPath, releaseKey, unpackPackages } from "./debian-packages.ts";

/** What a real node and image builds need besides the tools that Go builds; each path can be executed as it is. */
export interface DebianTools {
  containerd: string;
  runc: string;
  /** Folder of the CNI plugins (bridge, host-local, loopback, portmap …). */
  cniBinDir: string;
  nft: string;
  ip: string;
  /** Statically linked, so that it runs in an image without libraries. */
  busybox: string;
}

/** The tools that could be had, and why the others could not. */
interface DebianOutcome {
  tools: Partial<DebianTools>;
  /** Set when a tool is missing: pods are then simulated, or images cannot be built. */
  reason?: string;
}

const packages = ["containerd", "runc", "containernetworking-plugins", "nftables", "iproute2", "busybox-static"];
/** Packages whose libraries must come along, since a small system may lack them. */
const withLibraries = ["runc", "nftables", "iproute2"];
/** Documentation, configuration, and shims of a protocol that containerd has left. */
const unneededFiles = [
  "usr/share",
  "etc",
  "var",
  "usr/bin/containerd-shim",
  "usr/bin/containerd-shim-runc-v1",
  "usr/bin/containerd-stress",
];
/** To be raised when the cache entry's content changes for a reason that the package names do not show. */
const layoutVersion = 4;

const toolLocations: Readonly<Record<keyof DebianTools, string>> = {
  // Its shim and ctr lie in the same folder.
  containerd: "root/usr/bin/containerd",
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
  const path = join(cacheDir(), "debian", releaseKey([packages, withLibraries, layoutVersion]));
  try {
    await cached(path, async (folder) => {
      report("debian packages: downloading containerd, runc, CNI plugins, nftables, iproute2, busybox");
      await unpack(folder);
      report("debian packages: unpacked");
    });
  } catch (error) {
    return toolsOnPath(error);
  }
  return {
    tools: Object.fromEntries(Object.entries(toolLocations).map(([tool, location]) => [tool, join(path, location)])),
  };
}

async function unpack(folder: string): Promise<void> {
  const root = await unpackPackages(folder, packages, withLibraries);
  for (const file of unneededFiles) rmSync(join(root, file), { recursive: true, force: true });
  writeExecutables(folder);
}

/**
 * Executables that need unpacked libraries become scripts that name them; the others are linked. A script finds its folder
 * where it lies itself: the cache may be copied or moved, as CI systems do that restore it for another user.
 * @param folder has the unpacked packages in `root`
 */
export function writeExecutables(folder: string): void {
  const root = join(folder, "root");
  mkdirSync(join(folder, "bin"));
  const libraries = libraryPath(root, "$root");
  linkSync(join(root, executableLocation(root, "busybox")), join(folder, "bin", "busybox"));
  for (const name of ["runc", "nft", "ip"]) {
    const script = join(folder, "bin", name);
    const executable = `$root/${executableLocation(root, name)}`;
    const lines = ["#!/bin/sh", 'root="${0%/*}/../root"', `LD_LIBRARY_PATH="${libraries}" exec "${executable}" "$@"`];
    writeFileSync(script, `${lines.join("\n")}\n`);
    chmodSync(script, 0o755);
  }
}

function executableLocation(root: string, name: string): string {
  const location = ["usr/bin", "usr/sbin", "bin", "sbin"]
    .map((dir) => join(dir, name))
    .find((candidate) => existsSync(join(root, candidate)));
  if (location === undefined)
    throw new Error(`The Debian packages ${packages.join(", ")} hold no executable "${name}".`);
  return location;
}

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
    ...(containerd === undefined ? {} : { containerd }),
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

/** The versions that Debian's and Ubuntu's releases of these years have. */
const postgresVersions = [18, 17, 16, 15, 14];

/**
 * Debian's Postgres, unpacked into the cache once per machine and release.
 *
 * @param report takes one line of progress
 * @throws Error when it cannot be had
 */
export async function debianPostgres(report: (line: string) => void): Promise<{ bin: string; libraries: string }> {
  const path = join(cacheDir(), "debian", `postgres-${releaseKey(postgresVersions)}`);
  await cached(path, async (folder) => {
    report("Postgres: downloading Debian's");
    await unpackFirst(folder);
  });
  const root = join(path, "root");
  const [version] = readdirSync(join(root, "usr/lib/postgresql"));
  return { bin: join(root, "usr/lib/postgresql", version ?? "", "bin"), libraries: libraryPath(root, root) };
}

/** A release has one version only. */
async function unpackFirst(folder: string): Promise<void> {
  const failures: unknown[] = [];
  for (const version of postgresVersions) {
    const name = `postgresql-${version}`;
    try {
      const root = await unpackPackages(folder, [name], [name]);
      if (existsSync(join(root, "usr/lib/postgresql"))) return;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new Error(`Postgres is not installed, and Debian's package cannot be fetched: ${String(failures.at(-1))}`);
}
