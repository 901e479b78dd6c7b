import { dirname, join, resolve } from "node:path";
import { readMonorepo } from "../../cli/project/monorepo.ts";
import { ciNamespace } from "../../core/names.ts";
import { quoteForShell } from "../../core/shell.ts";
import { cacheDir } from "../machine/cache.ts";
import { openLocalhost } from "../machine/cluster/pod-localhost.ts";
import { sandboxProject, sandboxSettings } from "../machine/endpoints.ts";
import { buildKitAddress } from "../machine/images/buildkit.ts";
import { mirrorEndpoint } from "../machine/images/mirror/start.ts";
import { kubernetesClient } from "../machine/kubernetes-client.ts";
import { giveJobImage, shareMachineFolders, type MachineFolder } from "../machine/tekton/machine-files.ts";
import { which } from "../machine/which.ts";
import { executorDirectory, executorEnvironment } from "./ci-executor.ts";
import { postgresPrograms, unprivileged } from "./circleci/runner/services.ts";

export interface TektonJobsOptions {
  stateDir: string;
  tools: { pulumi: string; buildctl: string; etcd: string; nft: string; containerd: string };
  kubeconfigPath: string;
  /** Address at which pods reach this host. */
  hostAddress: string;
  /** What jobs reach at this machine's loopback, beside the mirror: name of the relay → URL. */
  servers: Readonly<Record<string, string>>;
  report: (line: string) => void;
}

/**
 * Makes ready what the pods of Tekton's jobs find: their images, which are this machine's own files as the CircleCI stand-in's
 * executor has them, and the sandbox's servers at the addresses that the stack file names.
 */
export async function prepareTektonJobs(options: TektonJobsOptions): Promise<void> {
  const { stateDir, tools, kubeconfigPath, hostAddress, servers, report } = options;
  const { app, ci } = sandboxSettings(sandboxProject(stateDir));
  const namespaces = [
    ciNamespace(app.name),
    ...(["deliver", "review", "forks"] as const).map((wall) => ciNamespace(app.name, wall)),
  ];
  const mirror = await mirrorEndpoint(stateDir);
  await openLocalhost({
    stateDir,
    tools,
    hostAddress,
    namespaces,
    servers: { ...servers, "mirror-relay": `http://${mirror.host}` },
  });
  await shareMachineFolders(kubernetesClient(kubeconfigPath), namespaces, machineFolders(stateDir));
  const { NODE_OPTIONS: _options, ...environment } = executorEnvironment(stateDir, tools);
  await giveJobImage(
    { stateDir, tools },
    { name: ci.image, env: { ...environment, ...mirror.variables.go, ...mirror.variables.npm } },
  );
  for (const name of serviceImages(stateDir))
    await giveJobImage({ stateDir, tools }, { name, env: {}, start: await postgresScript(report) });
}

/** Where the programs of {@link executorEnvironment} are, what they keep, and what the contexts of the sandbox lead to. */
function machineFolders(stateDir: string): MachineFolder[] {
  const go = which("go");
  return [
    ...[dirname(process.execPath), ...(go === undefined ? [] : [dirname(dirname(go))])]
      .filter((path) => !path.startsWith("/usr/") && !path.startsWith(resolve("node_modules")))
      .map((path) => ({ path })),
    { path: resolve("node_modules"), writable: true },
    { path: executorDirectory(stateDir), writable: true },
    // The state of the stack, which a team has at a service.
    { path: join(stateDir, "pulumi"), writable: true },
    { path: dirname(new URL(buildKitAddress(stateDir)).pathname) },
    { path: cacheDir(), writable: true },
  ];
}

/** The images of what tests of the example run against, all of which are Postgres. @throws Error for another one */
function serviceImages(stateDir: string): ReadonlySet<string> {
  const { services } = readMonorepo(sandboxProject(stateDir), "sandbox");
  const images = services.flatMap(({ test }) => (test === undefined || test === "none" ? [] : (test.services ?? [])));
  const others = images.filter(({ image }) => !/(^|\/)postgres(:|$)/.test(image));
  if (others.length > 0)
    throw new Error(`image ${others[0]?.image}: the sandbox's Tekton has Postgres only beside tests`);
  return new Set(images.map(({ image }) => image));
}

/** What the image of a Postgres starts: this machine's, with an empty database that ends with its container. */
async function postgresScript(report: (line: string) => void): Promise<string> {
  const { initdb, postgres, environment } = await postgresPrograms(report);
  const run = (...command: readonly string[]): string => unprivileged(command).map(quoteForShell).join(" ");
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${quoteForShell(value)}`);
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "full_page_writes=off"];
  return `#!/bin/bash
set -e
mkdir /postgres
printf '%s\\n' "$POSTGRES_PASSWORD" >/postgres/password
chown -R nobody /postgres
chmod 755 /postgres
export LC_ALL=C.UTF-8
${exports.join("\n")}
cd /postgres
${run(initdb, "--pgdata=/postgres/data", "--username=postgres", "--pwfile=/postgres/password", "--auth=scram-sha-256", "--no-sync")}
exec ${run(postgres, "-D", "/postgres/data", ...settings.flatMap((setting) => ["-c", setting]))}
`;
}
