import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { run } from "../command.ts";
import { frugalGo, startProcess } from "../process.ts";

export interface RegistryOptions {
  stateDir: string;
  /** The distribution registry's binary. */
  tools: { registry: string };
  /** Address to listen on, e.g. "127.0.0.1". */
  bind: string;
  port: number;
  /** Clients must log in, to pull as well as to push. */
  username: string;
  password: string;
}

export interface RegistryEndpoint {
  /** As image names have it, e.g. "localhost:5001". */
  host: string;
  /** Where it answers, e.g. "http://127.0.0.1:5001". */
  url: string;
}

/** Starts the registry that stands where Docker Hub is in production; a running one with the same settings is kept, and learns a changed password. */
export async function startRegistry(options: RegistryOptions): Promise<RegistryEndpoint> {
  const { stateDir, tools, bind, port, username, password } = options;
  const folder = join(stateDir, "registry");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const passwords = join(folder, "htpasswd");
  const line = await run(tools.registry, ["htpasswd", username], { input: `${password}\n` });
  // The registry reads the file again when it has changed, and would invent a user of its own if there were none.
  writeFileSync(`${passwords}.new`, line, { mode: 0o600 });
  renameSync(`${passwords}.new`, passwords);
  // JSON is YAML. Unless told not to, a registry looks for unfinished uploads at random times.
  const config = JSON.stringify({
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(folder, "data") },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false }, readonly: { enabled: false } },
    },
    http: { addr: `${bind}:${port}`, secret: createHash("sha256").update(stateDir).digest("hex") },
    auth: { htpasswd: { realm: "sandbox registry", path: passwords } },
  });
  // The name changes with the content, so that a running registry with other settings is replaced.
  const path = join(folder, `registry-${createHash("sha256").update(config).digest("hex").slice(0, 8)}.json`);
  writeFileSync(path, config, { mode: 0o600 });
  const url = `http://${bind === "0.0.0.0" ? "127.0.0.1" : bind}:${port}`;
  await startProcess(stateDir, {
    name: "registry",
    command: tools.registry,
    args: ["serve", path],
    // It would look for a collector of traces on this machine.
    env: { ...frugalGo, OTEL_TRACES_EXPORTER: "none" },
    ready: () => isServing(`${url}/v2/`),
  });
  // Clients speak plain HTTP to "localhost" without being told.
  return { host: `localhost:${port}`, url };
}

/** Whether a server is there: one that wants a login says so. (Not by fetch(), which refuses some ports.) */
export function isServing(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 401);
    })
      .on("timeout", () => resolve(false))
      .on("error", () => resolve(false));
  });
}
