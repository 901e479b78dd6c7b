import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { temporaryDirectory } from "../../core/atomic-file.ts";
import { isServing } from "../../sandbox/machine/images/registry.ts";
import { buildTools } from "../../sandbox/machine/tools/go-tools.ts";
import { eventually } from "./eventually.ts";

/** A registry of its own, of the sandbox's build of Distribution, that lets everybody in. */
export interface DistributionServer extends AsyncDisposable {
  /** As it appears in image names. */
  readonly host: string;
}

/** @param cacheOf the host of the registry that it passes on. @default it holds what is pushed to it */
export async function startDistribution({ cacheOf }: { cacheOf?: string } = {}): Promise<DistributionServer> {
  const { registry } = await buildTools(["registry"], () => undefined);
  const directory = temporaryDirectory("delivery-distribution-");
  const host = `127.0.0.1:${await freePort()}`;
  const config = join(directory.path, "config.json");
  // JSON is YAML.
  const settings = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory.path, "data") } },
    http: { addr: host, secret: "of tests" },
    ...(cacheOf === undefined ? {} : { proxy: { remoteurl: `http://${cacheOf}` } }),
  };
  writeFileSync(config, JSON.stringify(settings));
  const server = spawn(registry, ["serve", config], { env: { OTEL_TRACES_EXPORTER: "none" }, stdio: "ignore" });
  await eventually(`a registry answers at ${host}`, () => isServing(`http://${host}/v2/`));
  return {
    host,
    async [Symbol.asyncDispose]() {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
      directory[Symbol.dispose]();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
