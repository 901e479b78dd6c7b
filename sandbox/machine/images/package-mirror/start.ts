import { join } from "node:path";
import { cacheDir } from "../../cache.ts";
import { choosePort } from "../../ports.ts";
import { nodeProgram, startProcess, stopProcess } from "../../process.ts";
import { isServing } from "../registry.ts";

const processName = "package-mirror";

/** Variables that say where Go and npm get packages from, as whom, and how they get there. */
const sourceVariables = [
  /^GO(PROXY|NOPROXY|SUMDB|NOSUMDB|PRIVATE|FLAGS|AUTH|ENV|INSECURE|VCS)$/,
  /^(NETRC|XDG_CONFIG_HOME)$/,
  /^npm_config_(registry|userconfig|globalconfig|cafile|@.*|\/\/.*)$/i,
  /^(SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS)$/,
  /^(http|https|no)_proxy$/i,
];

/** Those of this process's variables that the package mirror needs; there may be passwords in them. */
export function packageSources(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && sourceVariables.some((pattern) => pattern.test(entry[0])),
    ),
  );
}

/**
 * Starts the package mirror. What it has got stays in the cache between sandboxes.
 * @param sources as {@link packageSources} of the process that the user started tells
 * @returns variables that lead Go and npm to it; a module that it serves was checked against the checksum database, where
 * this machine's Go does so, and go.sum is checked wherever it is used
 */
export async function startPackageMirror(
  stateDir: string,
  sources: Readonly<Record<string, string>>,
): Promise<{ go: Record<string, string>; npm: Record<string, string> }> {
  const port = await choosePort(stateDir, processName, 5004);
  const url = `http://127.0.0.1:${port}`;
  await startProcess(stateDir, {
    name: processName,
    ...nodeProgram(
      join(import.meta.dirname, "main.ts"),
      ["--port", String(port), "--cache", cacheDir()],
      // Node.js looks at the variables of proxies only if it is told to.
      { ...sources, NODE_USE_ENV_PROXY: "1" },
    ),
    ready: () => isServing(`${url}/-/ping`),
    readyTimeoutSeconds: 30,
  });
  return {
    go: { GOPROXY: `${url}/-/go`, GOSUMDB: "off" },
    // Each step would look for a newer npm.
    npm: { npm_config_registry: url, npm_config_update_notifier: "false" },
  };
}

/** Stops it; does nothing when it does not run. */
export function stopPackageMirror(stateDir: string): Promise<void> {
  return stopProcess(stateDir, processName);
}
