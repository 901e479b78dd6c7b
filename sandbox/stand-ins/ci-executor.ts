import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { installedVariable } from "../../cli/ci-config/installation.ts";
import { preventEngineLog } from "../engine/engine-log.ts";
import { installDynamicProvider, installOfflinePlugins } from "../engine/plugins.ts";
import { cacheDir } from "../machine/cache.ts";

/** Where Go and npm get their packages from, and how they reach it. */
const networkVariables = [
  "GOPROXY",
  "GOSUMDB",
  "GONOSUMDB",
  "GOPRIVATE",
  "GOFLAGS",
  "SSL_CERT_FILE",
  "NPM_CONFIG_REGISTRY",
  "NODE_EXTRA_CA_CERTS",
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
];

/** What is made for the executor of one sandbox. */
export function executorDirectory(stateDir: string): string {
  return join(stateDir, "ci-executor");
}

/**
 * The variables of the sandbox CI's executor, which is this machine: what the image of a real one brings along. Node.js of
 * this process, the sandbox's Pulumi CLI with its providers as plugins, Go and npm with caches that later runs find again.
 * None of them is a secret.
 * @param stateDir the sandbox's state directory, in which the executor gets a home for Pulumi
 * @param tools paths of the sandbox's tools
 */
export function executorEnvironment(
  stateDir: string,
  tools: { pulumi: string; buildctl?: string },
): Record<string, string> {
  const directory = executorDirectory(stateDir);
  const bin = join(directory, "bin");
  const plugins = join(directory, "pulumi", "plugins");
  for (const path of [bin, plugins]) mkdirSync(path, { recursive: true, mode: 0o700 });
  link(tools.pulumi, join(bin, "pulumi"));
  if (tools.buildctl !== undefined) link(tools.buildctl, join(bin, "buildctl"));
  // A Node.js of the same folder, and none of the others that this process' PATH may have.
  link(process.execPath, join(bin, "node"));
  preventEngineLog(join(directory, "pulumi"));
  installOfflinePlugins(plugins);
  installDynamicProvider(plugins);
  const inherited = networkVariables.flatMap((name) => {
    const value = process.env[name];
    // An address with a user in it may hold a password.
    return value === undefined || value.includes("@") ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    PATH: [bin, dirname(process.execPath), process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"].join(":"),
    PULUMI_HOME: join(directory, "pulumi"),
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // What a changed lock file asks for beyond what is installed.
    NPM_CONFIG_CACHE: process.env["npm_config_cache"] ?? join(homedir(), ".npm"),
    NPM_CONFIG_PREFER_OFFLINE: "true",
    [installedVariable]: installedProgram(directory),
    GOCACHE: join(cacheDir(), "go", "compiled"),
    GOMODCACHE: join(cacheDir(), "go", "modules"),
    // -modcacherw: else the cache could not be removed as other files can. -trimpath: else what one job has compiled would
    // serve no other, since a job's folder here has another path each time, unlike that of a real executor.
    GOFLAGS: [process.env["GOFLAGS"] ?? "", "-modcacherw", "-trimpath"].join(" ").trim(),
  };
}

/**
 * The packages of this checkout, as an image that was made of it has them. The lock file and the SDK are those of now: jobs of
 * commits with others install their own.
 */
function installedProgram(directory: string): string {
  const installed = join(directory, "installed");
  rmSync(installed, { recursive: true, force: true });
  mkdirSync(installed, { recursive: true, mode: 0o700 });
  cpSync("package-lock.json", join(installed, "package-lock.json"));
  cpSync("sdks", join(installed, "sdks"), { recursive: true });
  // Where the first job leaves the compiled commands for those after it.
  mkdirSync(join("node_modules", ".cache", "delivery"), { recursive: true });
  symlinkSync(resolve("node_modules"), join(installed, "node_modules"));
  return installed;
}

function link(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}
