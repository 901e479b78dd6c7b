import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { cacheDir } from "../machine/cache.ts";

/**
 * Installs the offline providers as the engine finds plugins by itself: an executable per provider, in a folder named by the
 * version of the official plugin that it stands in for.
 * @param plugins the engine's directory of plugins
 * @param charts the files of Argo CD that its chart would render
 */
export function installOfflinePlugins(plugins: string, charts: string): void {
  const program = join(import.meta.dirname, "offline-plugin.ts");
  const compiled = join(cacheDir(), "node");
  const options: Readonly<Record<PluginName, readonly string[]>> = {
    kubernetes: ["--charts", charts],
    docker: [],
    "terraform-provider": [],
  };
  // The keys are those of the versions.
  for (const name of Object.keys(pluginVersions) as PluginName[]) {
    const directory = join(plugins, `resource-${name}-v${pluginVersions[name]}`);
    mkdirSync(directory, { recursive: true });
    const command = [process.execPath, program, name, ...options[name]].map(quoted).join(" ");
    const script = `#!/bin/sh\nNODE_COMPILE_CACHE=${quoted(compiled)} exec ${command} "$@"\n`;
    writeFileSync(join(directory, `pulumi-resource-${name}`), script, { mode: 0o755 });
  }
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

/**
 * Installs the provider of dynamic resources, which Pulumi's own installer puts beside the CLI: a script that starts the one
 * in the SDK with this Node.
 * @param plugins the engine's directory of plugins
 */
export function installDynamicProvider(plugins: string): void {
  const manifest = createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json");
  // Our own dependency's manifest always has a version.
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const directory = join(plugins, `resource-pulumi-nodejs-v${version}`);
  mkdirSync(directory, { recursive: true });
  const program = join(dirname(manifest), "cmd", "dynamic-provider", "index.js");
  // It loads a TypeScript compiler and a package manager that it does not need; compiled once, that takes half the time.
  const compiled = join(cacheDir(), "node");
  const script = `#!/bin/sh\nNODE_COMPILE_CACHE=${quotedPath(compiled)} exec ${quotedPath(process.execPath)} ${quotedPath(program)} "$@"\n`;
  writeFileSync(join(directory, "pulumi-resource-pulumi-nodejs"), script, { mode: 0o755 });
}

function quotedPath(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

/** The versions of the official plugins that this program is written for. */
const pluginVersions = { kubernetes: "4.34.2", docker: "5.2.0", "terraform-provider": "1.1.3" } as const;
export type PluginName = keyof typeof pluginVersions;

/**
 * The official plugins, in the right version, that the user's Pulumi has installed: the sandbox uses these and serves
 * only the others itself.
 * @returns the plugin's directory, by name
 */
export function installedPlugins(pulumiHome: string = join(homedir(), ".pulumi")): Partial<Record<PluginName, string>> {
  const directory = (name: PluginName): string =>
    join(pulumiHome, "plugins", `resource-${name}-v${pluginVersions[name]}`);
  const installed = (["kubernetes", "docker", "terraform-provider"] as const).filter((name) =>
    existsSync(directory(name)),
  );
  // The official Docker provider refuses to start without a daemon; the offline one builds with BuildKit alone.
  return Object.fromEntries(
    installed.filter((name) => name !== "docker" || dockerDaemonRuns()).map((name) => [name, directory(name)]),
  );
}

function dockerDaemonRuns(): boolean {
  try {
    execFileSync("docker", ["version", "--format", "{{.Server.Version}}"], { stdio: "ignore", timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}
