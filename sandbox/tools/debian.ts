import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { cached, cacheDir } from "../cache.ts";
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
/** The dynamic loader and these belong together: the system's own are used. */
const systemLibraries = /^(libc6|libgcc-s1)$/;
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

const run = promisify(execFile);

/**
 * Unpacks the Debian packages that the sandbox needs into the cache, once per machine and release; nothing is installed
 * and no root is needed. Where there is no apt, tools on PATH are taken as they are.
 *
 * @param report takes one line of progress
 */
export async function debianTools(report: (line: string) => void): Promise<DebianOutcome> {
  const path = join(cacheDir(), "debian", releaseKey());
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

function releaseKey(): string {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const name = ["ID", "VERSION_ID"]
    .map((key) => new RegExp(`^${key}="?([\\w.]+)`, "m").exec(release)?.[1] ?? "unknown")
    .join("-");
  const content = createHash("sha256").update(JSON.stringify([packages, withLibraries, layout]));
  return `${name}-${process.arch}-${content.digest("hex").slice(0, 12)}`;
}

async function unpack(folder: string, finalPath: string): Promise<void> {
  const work = join(folder, "apt");
  for (const sub of ["lists/partial", "cache/archives/partial", "debs"])
    mkdirSync(join(work, sub), { recursive: true });
  const env = { ...process.env, LC_ALL: "C", APT_CONFIG: await privateConfig(work) };
  const apt = (command: string, ...args: string[]): Promise<{ stdout: string }> =>
    run(command, args, { cwd: join(work, "debs"), env, maxBuffer: 64e6 });
  // One broken source among several does not matter as long as the packages can be had from the others.
  await apt("apt-get", "-q", "update").catch(() => undefined);
  const { stdout } = await apt("apt-cache", "depends", "--recurse", "--important", ...withLibraries);
  const libraries = stdout.split("\n").filter((line) => line.startsWith("lib") && !systemLibraries.test(line));
  await apt("apt-get", "-q", "download", ...packages, ...new Set(libraries));
  const root = join(folder, "root");
  for (const deb of readdirSync(join(work, "debs")))
    await run("dpkg-deb", ["--extract", join(work, "debs", deb), root]);
  rmSync(work, { recursive: true });
  for (const file of waste) rmSync(join(root, file), { recursive: true, force: true });
  writeExecutables(folder, finalPath);
}

/**
 * The machine's own apt settings (sources, proxy, keys) with the folders replaced by private ones. The hooks are left out:
 * in container images they delete the system's package cache after every update.
 */
async function privateConfig(work: string): Promise<string> {
  const { stdout } = await run("apt-config", ["dump"]);
  const kept = stdout
    .split("\n")
    .filter((line) => line.startsWith("Acquire::") || line.startsWith("APT::Architecture"));
  const own = {
    "Dir::State::Lists": join(work, "lists"),
    "Dir::Cache": join(work, "cache"),
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::parts": join(work, "debs"),
    "Dir::Log": work,
    "APT::Sandbox::User": "root",
    "APT::Install-Recommends": "false",
    "Acquire::Languages": "none",
    "Acquire::Retries": "3",
    "Debug::NoLocking": "true",
  };
  const path = join(work, "apt.conf");
  writeFileSync(path, [...kept, ...Object.entries(own).map(([name, value]) => `${name} "${value}";`), ""].join("\n"));
  return path;
}

/** Executables that need unpacked libraries become scripts that name them; the others are linked. */
function writeExecutables(folder: string, finalPath: string): void {
  const root = join(folder, "root");
  mkdirSync(join(folder, "bin"));
  const libraries = ["lib", "usr/lib"]
    .flatMap((lib) => (existsSync(join(root, lib)) ? readdirSync(join(root, lib)).map((sub) => join(lib, sub)) : []))
    .filter((lib) => lib.endsWith("-linux-gnu"))
    .map((lib) => join(finalPath, "root", lib))
    .join(":");
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
