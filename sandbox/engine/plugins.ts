import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { runProcess } from "../../core/process.ts";
import { quoteForShell } from "../../core/shell.ts";
import { cacheDir } from "../machine/cache.ts";

/**
 * Installs the offline providers where the engine finds plugins by itself: an executable per provider, in a folder named by
 * the version of the official plugin that it stands in for.
 * @param plugins the engine's directory of plugins
 * @param charts the files of Argo CD that its chart would render
 */
export function installOfflinePlugins(plugins: string, charts: string): void {
  const program = join(import.meta.dirname, "offline-plugin.ts");
  const options: Readonly<Record<PluginName, readonly string[]>> = {
    kubernetes: ["--charts", charts],
    docker: [],
    "terraform-provider": [],
  };
  // The keys are those of the versions.
  for (const name of Object.keys(pluginVersions) as PluginName[]) {
    installNodePlugin(plugins, name, pluginVersions[name], [program, name, ...options[name]]);
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
  writeFileSync(join(directory, `pulumi-resource-${name}`), script, { mode: 0o755 });
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
  pulumiHome: string = join(homedir(), ".pulumi"),
): Promise<Partial<Record<PluginName, string>>> {
  const directory = (name: PluginName): string =>
    join(pulumiHome, "plugins", `resource-${name}-v${pluginVersions[name]}`);
  const installed = (["kubernetes", "docker", "terraform-provider"] as const).filter((name) =>
    existsSync(directory(name)),
  );
  // The official Docker provider refuses to start without a daemon; the offline one builds with BuildKit alone.
  const usable =
    installed.includes("docker") && !(await dockerDaemonRuns())
      ? installed.filter((name) => name !== "docker")
      : installed;
  return Object.fromEntries(usable.map((name) => [name, directory(name)]));
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
