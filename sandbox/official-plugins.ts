import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The versions of the official plugins that this program is written for. */
export const pluginVersions = { kubernetes: "4.34.2", docker: "5.2.0", "terraform-provider": "1.1.3" } as const;
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
