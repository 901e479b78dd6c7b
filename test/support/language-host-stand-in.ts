import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as grpc from "@grpc/grpc-js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import service from "@pulumi/pulumi/proto/language_grpc_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { quoteForShell } from "../../core/shell.ts";

/**
 * Puts a stand-in for the host of Node.js programs where the engine looks for plugins. The Pulumi CLI brings the real one; the
 * sandbox's engine has none, as it runs no program by itself. `pulumi import` asks it for a program's packages, and says
 * "none" here.
 * @param home the engine's
 */
export function installLanguageHost(home: string): void {
  const directory = join(home, "plugins", "language-nodejs-v3.258.0");
  mkdirSync(directory, { recursive: true });
  const command = [process.execPath, import.meta.filename].map(quoteForShell).join(" ");
  writeFileSync(join(directory, "pulumi-language-nodejs"), `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
}

async function serve(): Promise<void> {
  const server = new grpc.Server();
  const known: grpc.UntypedServiceImplementation = {
    getRequiredPackages: (_call: unknown, answer: grpc.sendUnaryData<unknown>) =>
      answer(null, new language.GetRequiredPackagesResponse()),
    getPluginInfo: (_call: unknown, answer: grpc.sendUnaryData<unknown>) => answer(null, new plugin.PluginInfo()),
  };
  // The generated service has methods that nothing here asks for: those answer that they are not there.
  server.addService(service.LanguageRuntimeService, known);
  const port = await new Promise<number>((bound, failed) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, chosen) =>
      error === null ? bound(chosen) : failed(error),
    );
  });
  // The engine reads the port from the first line, and ends the process when it is done with it.
  console.log(port);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await serve();
