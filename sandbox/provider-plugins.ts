import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "./cache.ts";
import { pluginVersions, type PluginName } from "./official-plugins.ts";

/**
 * Installs the offline providers as the engine finds plugins by itself: an executable per provider, in a folder named by the
 * version of the official plugin that it stands in for.
 * @param plugins the engine's directory of plugins
 * @param charts the files of Argo CD that its chart would render
 */
export function installOfflinePlugins(plugins: string, charts: string): void {
  const program = join(import.meta.dirname, "providers", "plugin.ts");
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
