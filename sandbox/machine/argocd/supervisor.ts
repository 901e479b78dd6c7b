/**
 * The process that keeps the components of Argo CD running, as the kubelet does with pods:
 * `node sandbox/machine/argocd/supervisor.ts FILE`
 *
 * The copying of Secrets to preview environments runs in it, too, since another process would take 80 MB.
 */
import { existsSync, readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../../core/error.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { nameOf } from "../../../kubernetes/object.ts";
import { liveClient } from "../kubernetes-client.ts";
import { writePrivate } from "../private-file.ts";
import { runningPid, startProcess, stopProcess, type ProcessSpec } from "../process.ts";
import { listApplications, refresh } from "./applications.ts";
import { statusPath, supervisorOptionsSchema, type SupervisorStatus } from "./argocd.ts";
import { applicationSetController, controller, redis, repoServer } from "./components.ts";
import { installationOn, type Installation } from "./installation.ts";
import { keepGpgKeys } from "./gpg-keys.ts";
import { noParameters } from "./parameters.ts";
import { replicateSecrets } from "./secret-replicator.ts";

/** How often the components are checked, and how long a complete installation counts as such. */
const pollMilliseconds = { awaited: 150, parts: 500, installation: 2_000 };

/** What needs the installation on the cluster. */
const controllers = ["argocd-applicationset-controller", "argocd-application-controller"] as const;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("usage: node sandbox/machine/argocd/supervisor.ts FILE");
const options = supervisorOptionsSchema.parse(JSON.parse(readFileSync(file, "utf8")));
const { stateDir, namespace, kubeconfigPath } = options;
const findInstallation = installationOn({ kubeconfigPath, namespace, folder: join(stateDir, "argocd") });
const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

if (options.replicatesSecrets) void replicateSecrets(liveClient(kubeconfigPath), log);
flushCompileCache();

const last = { parameters: noParameters, missed: false };
let installation: Installation = { missing: "not looked for yet" };
for (let lookedAt = 0; ;) {
  const known = "client" in installation && Date.now() - lookedAt < pollMilliseconds.installation;
  if (!known) {
    installation = await findInstallation();
    lookedAt = Date.now();
  }
  const status = await superviseComponents(installation).catch((error: unknown): SupervisorStatus => ({
    controller: "failed",
    reason: errorMessage(error),
  }));
  writeStatus(status);
  await sleep(status.controller === "waiting" ? pollMilliseconds.awaited : pollMilliseconds.parts);
}

async function superviseComponents(found: Installation): Promise<SupervisorStatus> {
  // While the API server is away, the last ones count.
  if (!("missing" in found)) last.parameters = found.parameters;
  else if (found.gone) last.parameters = noParameters;
  const { parameters } = last;
  keepGpgKeys(options.folders, parameters.gpgKeys);
  const started = await Promise.all([ensureRunning(redis(options)), ensureRunning(repoServer(options, parameters))]);
  if ("missing" in found) {
    // Without its definitions a controller would only fill its log. It keeps running while the API server is away.
    if (found.gone) for (const part of controllers) await stopProcess(stateDir, part);
    // Nobody could be told of what is pushed meanwhile.
    last.missed = true;
    return { controller: "waiting", reason: found.missing };
  }
  const cluster = { kubeconfigPath: found.kubeconfigPath, namespace };
  started.push(await ensureRunning(controller(options, cluster, parameters)));
  const { applicationSets } = found;
  // It takes memory even without any ApplicationSet.
  if (applicationSets === undefined) await stopProcess(stateDir, controllers[0]);
  else
    await ensureRunning(
      applicationSetController(options, { kubeconfigPath: applicationSets.kubeconfigPath, namespace }),
    );
  // A controller that starts trusts the recorded status, and one that could not reach another component does not ask again,
  // until its next resync, minutes later.
  last.missed ||= started.includes(true);
  if (last.missed) await refreshAll(found.client);
  last.missed = false;
  return { controller: "running" };
}

/** Starts a component if it does not run. @returns whether it had to be started */
async function ensureRunning(part: ProcessSpec): Promise<boolean> {
  const before = runningPid(stateDir, part.name);
  await startProcess(stateDir, part);
  if (runningPid(stateDir, part.name) === before) return false;
  log(`${part.name} started`);
  return true;
}

async function refreshAll(client: KubernetesClient): Promise<void> {
  const applications = await listApplications(client, namespace);
  await Promise.all(applications.map((application) => refresh(client, namespace, nameOf(application))));
}

/** Records the status, and logs it, if it has changed. */
function writeStatus(status: SupervisorStatus): void {
  const text = JSON.stringify(status);
  const path = statusPath(stateDir);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  log(`controller ${status.controller}${status.reason === undefined ? "" : `: ${status.reason}`}`);
  writePrivate(path, text);
}
