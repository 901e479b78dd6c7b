import { enableCompileCache } from "node:module";
import { parseArgs } from "node:util";
import { createCircleCiProvider } from "../providers/circleci/provider.ts";
import { createDockerProvider } from "../providers/docker/provider.ts";
import { createKubernetesProvider } from "../providers/kubernetes/provider.ts";
import type { ResourceProvider } from "../providers/resource-provider.ts";
import { serveProvider } from "../providers/server.ts";

// An offline provider as an executable, which the engine starts and stops: `offline-plugin.ts kubernetes`.

enableCompileCache();

const { positionals } = parseArgs({
  // The engine adds its own address and its settings for logs.
  strict: false,
  allowPositionals: true,
});
const [name = ""] = positionals;

const providers: Readonly<Record<string, () => ResourceProvider>> = {
  kubernetes: () => createKubernetesProvider(),
  docker: () =>
    createDockerProvider({
      directory: process.cwd(),
      buildKit: () => Promise.reject(new Error("the sandbox's CI builds images by its jobs, not by `pulumi up`")),
    }),
  "terraform-provider": createCircleCiProvider,
};
const create = providers[name];
if (create === undefined)
  throw new Error(
    `there is no offline provider ${JSON.stringify(name)}; there are ${Object.keys(providers).join(", ")}`,
  );

const { port } = await serveProvider(create());
// The engine reads the port from the first line, and ends the process when it is done with it.
console.log(port);
