import {
  constants,
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { runProcess } from "../../core/process.ts";
import { quoteForShell } from "../../core/shell.ts";
import { cacheDir } from "../machine/cache.ts";

/**
 * Installs the offline providers where the engine finds plugins by itself: an executable per provider, in a folder named by
 * the version of the official plugin that it stands in for.
 * @param plugins the engine's directory of plugins
 */
export function installOfflinePlugins(plugins: string): void {
  const program = join(import.meta.dirname, "offline-plugin.ts");
  // The keys are those of the versions.
  for (const name of Object.keys(pluginVersions) as PluginName[]) {
    installNodePlugin(plugins, name, pluginVersions[name], [program, name]);
  }
}

/**
 * Installs the provider of dynamic resources, which Pulumi's own installer puts into the CLI's folder: a script that starts
 * the one in the SDK with this Node.
 * @param plugins the engine's directory of plugins
 */
export function installDynamicProvider(plugins: string): void {
  const manifest = createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json");
  // Our own dependency's manifest always has a version.
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const program = join(dirname(manifest), "cmd", "dynamic-provider", "index.js");
  installNodePlugin(plugins, "pulumi-nodejs", version, [program]);
}

/**
 * Writes a plugin that is a program of this Node. Its compile cache halves the start of the dynamic provider, which loads a
 * TypeScript compiler and a package manager that it does not need.
 */
function installNodePlugin(plugins: string, name: string, version: string, program: readonly string[]): void {
  const directory = join(plugins, `resource-${name}-v${version}`);
  mkdirSync(directory, { recursive: true });
  const command = [process.execPath, ...program].map(quoteForShell).join(" ");
  const cache = quoteForShell(join(cacheDir(), "node"));
  const script = `#!/bin/sh\nNODE_COMPILE_CACHE=${cache} exec ${command} "$@"\n`;
  // In place of the file, not into it: it may be one that the user's Pulumi has, too.
  writeFileAtomically(join(directory, `pulumi-resource-${name}`), script, 0o755);
}

/** The versions of the official plugins that this program is written for. */
const pluginVersions = { kubernetes: "4.34.2", docker: "5.2.0", "terraform-provider": "1.1.3" } as const;
export type PluginName = keyof typeof pluginVersions;

/**
 * The official plugins, in the right version, that the user's Pulumi has installed: the sandbox uses these and serves
 * only the others itself.
 * @returns the plugin's directory, by name
 */
export async function installedPlugins(
  pulumiHome: string = process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"),
): Promise<Partial<Record<PluginName, string>>> {
  const directory = (name: PluginName): string =>
    join(pulumiHome, "plugins", `resource-${name}-v${pluginVersions[name]}`);
  const installed = (["kubernetes", "docker", "terraform-provider"] as const).filter((name) =>
    isComplete(directory(name), name),
  );
  // The official Docker provider refuses to start without a daemon; the offline one builds with BuildKit alone.
  const usable =
    installed.includes("docker") && !(await dockerDaemonRuns())
      ? installed.filter((name) => name !== "docker")
      : installed;
  return Object.fromEntries(usable.map((name) => [name, directory(name)]));
}

/** While Pulumi unpacks a plugin, and where it was stopped doing so, a file with the folder's name and `.partial` lies next to it. */
function isComplete(directory: string, name: PluginName): boolean {
  return existsSync(join(directory, `pulumi-resource-${name}`)) && !existsSync(`${directory}.partial`);
}

/**
 * Puts a plugin's folder among the engine's plugins. The engine takes only real folders for plugins, not links to folders,
 * so the files are linked one by one, or copied where the file system cannot do that.
 * @param home the engine's directory of plugins
 */
export function copyPlugin(plugin: string, home: string): void {
  const source = realpathSync(plugin);
  const target = join(home, basename(resolve(plugin)));
  if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory() !== true) rmSync(target, { force: true });
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(target, relative(source, from));
    if (isSameFile(from, to)) continue;
    mkdirSync(dirname(to), { recursive: true });
    rmSync(to, { force: true });
    linkOrCopy(realpathSync(from), to);
  }
}

function isSameFile(from: string, to: string): boolean {
  const [one, other] = [statSync(from), lstatSync(to, { throwIfNoEntry: false })];
  return other?.isFile() === true && one.size === other.size && one.mtimeMs === other.mtimeMs;
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another file system, or one without hard links.
    cpSync(from, to, { preserveTimestamps: true, mode: constants.COPYFILE_FICLONE });
  }
}

async function dockerDaemonRuns(): Promise<boolean> {
  try {
    const args = ["version", "--format", "{{.Server.Version}}"];
    return (await runProcess("docker", args, { timeoutSeconds: 5 })).code === 0;
  } catch {
    // There is no Docker client.
    return false;
  }
}
