import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cacheDir } from "./cache.ts";

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
  const script = `#!/bin/sh\nNODE_COMPILE_CACHE=${quoted(compiled)} exec ${quoted(process.execPath)} ${quoted(program)} "$@"\n`;
  writeFileSync(join(directory, "pulumi-resource-pulumi-nodejs"), script, { mode: 0o755 });
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
