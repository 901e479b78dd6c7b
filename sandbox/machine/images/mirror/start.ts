import { join } from "node:path";
import { cacheDir } from "../../cache.ts";
import { choosePort } from "../../ports.ts";
import { nodeProgram, startProcess, stopProcess } from "../../process.ts";
import { isServing } from "../registry.ts";
import type { Materials } from "./base-images.ts";
import { findToolchains } from "./toolchains.ts";

const processName = "mirror";

/** Variables that say where Go and npm get packages from, as whom, and how they get there. */
const sourceVariables = [
  /^GO(PROXY|NOPROXY|SUMDB|NOSUMDB|PRIVATE|FLAGS|AUTH|ENV|INSECURE|VCS)$/,
  /^(NETRC|XDG_CONFIG_HOME)$/,
  /^npm_config_(registry|userconfig|globalconfig|cafile|@.*|\/\/.*)$/i,
  /^(SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS)$/,
  /^(http|https|no)_proxy$/i,
];

/** Those of this process's variables by which the mirror gets packages; there may be passwords in them. */
export function packageSources(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && sourceVariables.some((pattern) => pattern.test(entry[0])),
    ),
  );
}

interface MirrorOptions {
  stateDir: string;
  /** As {@link packageSources} of the process that the user started tells. */
  packageSources: Readonly<Record<string, string>>;
  /** Path of a statically linked one. */
  busybox: string;
  /** Path of BuildKit's frontend for Dockerfiles. */
  frontend: string;
  /** The file with the registry that has images which users have provided; it is a {@link ProvidedRegistry}. */
  provided: string;
  /** Whether Docker Hub's real images are taken where they can be had, and those made here only where not. */
  originFirst: boolean;
}

export interface MirrorEndpoint {
  /** Host and port of the registry in place of Docker Hub. */
  host: string;
  /**
   * Variables that lead Go and npm to the mirror. What Go gets there was checked against the checksum database, where this
   * machine's Go does so; against go.sum it is checked wherever it is used.
   */
  variables: { go: Record<string, string>; npm: Record<string, string> };
}

/** Where a sandbox's mirror is, whether it runs or not. */
export async function mirrorEndpoint(stateDir: string): Promise<MirrorEndpoint> {
  const host = `127.0.0.1:${await choosePort(stateDir, "mirror", 5002)}`;
  const url = `http://${host}`;
  return {
    host,
    variables: {
      go: { GOPROXY: `${url}/-/go`, GOSUMDB: "off" },
      // Each step would look for a newer npm.
      npm: { npm_config_registry: url, npm_config_update_notifier: "false" },
    },
  };
}

/**
 * Starts the mirror. What it has made or got stays in the cache between sandboxes.
 * @throws Error when there is no Go
 */
export async function startMirror(options: MirrorOptions): Promise<MirrorEndpoint> {
  const { stateDir, busybox, frontend } = options;
  const materials: Materials = { toolchains: await findToolchains(), busybox, frontend };
  const endpoint = await mirrorEndpoint(stateDir);
  const { port } = new URL(`http://${endpoint.host}`);
  await startProcess(stateDir, {
    name: processName,
    ...nodeProgram(
      join(import.meta.dirname, "main.ts"),
      [
        `--port=${port}`,
        `--cache=${cacheDir()}`,
        `--materials=${JSON.stringify(materials)}`,
        `--provided=${options.provided}`,
        ...(options.originFirst ? ["--origin-first"] : []),
      ],
      // Node.js looks at the variables of proxies only if it is told to.
      { ...options.packageSources, NODE_USE_ENV_PROXY: "1" },
    ),
    ready: () => isServing(`http://${endpoint.host}/-/ping`),
  });
  return endpoint;
}

/** Stops it; does nothing when it does not run. */
export function stopMirror(stateDir: string): Promise<void> {
  return stopProcess(stateDir, processName);
}
