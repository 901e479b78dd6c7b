import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf } from "../../../core/process.ts";

/** The dynamic loader and these belong together: the system's own are used. */
const systemLibraries = /^(libc6|libgcc-s1)$/;

/** Names a cache entry by the system's release and by what it is made from. */
export function releaseKey(content: unknown): string {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const name = ["ID", "VERSION_ID"]
    .map((key) => new RegExp(`^${key}="?([\\w.]+)`, "m").exec(release)?.[1] ?? "unknown")
    .join("-");
  const hash = createHash("sha256").update(JSON.stringify(content));
  return `${name}-${process.arch}-${hash.digest("hex").slice(0, 12)}`;
}

/**
 * Downloads Debian packages and unpacks them below `root` of a folder; nothing is installed and no root is needed.
 *
 * @param withLibraries those of the packages whose libraries must come along, since a small system may lack them
 * @returns the folder `root`
 */
export async function unpackPackages(
  folder: string,
  packages: readonly string[],
  withLibraries: readonly string[],
): Promise<string> {
  const work = join(folder, "apt");
  for (const sub of ["lists/partial", "cache/archives/partial", "debs"])
    mkdirSync(join(work, sub), { recursive: true });
  const env = { ...process.env, LC_ALL: "C", APT_CONFIG: await privateConfig(work) };
  const apt = (command: string, ...args: string[]): Promise<string> =>
    outputOf(command, args, { cwd: join(work, "debs"), env });
  // One broken source among several does not matter as long as the packages can be had from the others.
  await apt("apt-get", "-q", "update").catch(() => undefined);
  const depends =
    withLibraries.length === 0 ? "" : await apt("apt-cache", "depends", "--recurse", "--important", ...withLibraries);
  const libraries = depends.split("\n").filter((line) => line.startsWith("lib") && !systemLibraries.test(line));
  await apt("apt-get", "-q", "download", ...packages, ...new Set(libraries));
  const root = join(folder, "root");
  for (const deb of readdirSync(join(work, "debs")))
    await outputOf("dpkg-deb", ["--extract", join(work, "debs", deb), root]);
  rmSync(work, { recursive: true });
  return root;
}

/**
 * The folders of unpacked libraries, as LD_LIBRARY_PATH takes them.
 *
 * @param finalRoot where `root` will be when they are used
 */
export function libraryPath(root: string, finalRoot: string): string {
  return ["lib", "usr/lib"]
    .flatMap((lib) => (existsSync(join(root, lib)) ? readdirSync(join(root, lib)).map((sub) => join(lib, sub)) : []))
    .filter((lib) => lib.endsWith("-linux-gnu"))
    .map((lib) => join(finalRoot, lib))
    .join(":");
}

/**
 * The machine's own apt settings (sources, proxy, keys) with the folders replaced by private ones. The hooks are left out:
 * in container images they delete the system's package cache after every update.
 */
async function privateConfig(work: string): Promise<string> {
  const dump = await outputOf("apt-config", ["dump"]);
  const kept = dump.split("\n").filter((line) => line.startsWith("Acquire::") || line.startsWith("APT::Architecture"));
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
