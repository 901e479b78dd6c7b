/**
 * The process that keeps the parts of Argo CD running, as the kubelet does with pods:
 * `node sandbox/argocd/keeper.ts FILE`
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writePrivate } from "../cluster/files.ts";
import { listApplications, refresh } from "../git-server/argocd-refresh.ts";
import type { KubernetesClient } from "../providers/kubernetes/client.ts";
import { nameOf } from "../providers/kubernetes/object.ts";
import { listProcesses, startProcess, stopProcess, type ProcessSpec } from "../process.ts";
import { installationOn } from "./installation.ts";
import { keeperOptionsSchema, statusPath, type KeeperStatus } from "./keeper-options.ts";
import { controller, redis, repoServer } from "./parts.ts";

/** While the installation is awaited, and while everything runs. */
const pollMilliseconds = { waiting: 150, running: 500 };

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: node sandbox/argocd/keeper.ts FILE");
const options = keeperOptionsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
const { stateDir, namespace, kubeconfigPath } = options;
const findInstallation = installationOn({ kubeconfigPath, namespace, folder: join(stateDir, "argocd") });
const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

for (let before = ""; ; ) {
  const status = await look().catch((error: unknown): KeeperStatus => ({ controller: "failed", reason: error instanceof Error ? error.message : String(error) }));
  const text = JSON.stringify(status);
  if (text !== before) {
    log(`controller ${status.controller}${status.reason === undefined ? "" : `: ${status.reason}`}`);
    writePrivate(statusPath(stateDir), text);
  }
  before = text;
  await sleep(status.controller === "waiting" ? pollMilliseconds.waiting : pollMilliseconds.running);
}

async function look(): Promise<KeeperStatus> {
  const [, , installation] = await Promise.all([
    keep(redis(options)),
    keep(repoServer(options)),
    findInstallation(),
  ]);
  if ("missing" in installation) {
    // Without its definitions it would only fill its log; an API server that is away for a moment is no reason.
    if (/not find|not found/i.test(installation.missing)) await stopProcess(stateDir, "argocd-application-controller");
    return { controller: "waiting", reason: installation.missing };
  }
  const started = await keep(controller(options, { kubeconfigPath: installation.kubeconfigPath, namespace }));
  // A controller that starts trusts the status of the last one until its next resync, minutes later.
  if (started) await refreshAll(installation.client);
  return { controller: "running" };
}

/** Starts a part if it does not run, and tells whether it has. */
async function keep(part: ProcessSpec): Promise<boolean> {
  const pid = (): number | undefined => listProcesses(stateDir).find(({ name, running }) => running && name === part.name)?.pid;
  const before = pid();
  await startProcess(stateDir, part);
  if (pid() === before) return false;
  log(`${part.name} started`);
  return true;
}

async function refreshAll(client: KubernetesClient): Promise<void> {
  const applications = await listApplications(client, namespace);
  await Promise.all(applications.map((application) => refresh(client, namespace, nameOf(application))));
}
