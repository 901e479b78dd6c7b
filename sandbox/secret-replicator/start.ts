import { join } from "node:path";
import { startProcess, stopProcess } from "../process.ts";
import { sandboxSettings } from "../settings.ts";

const name = "secret-replicator";

/**
 * Runs what gives the pods of preview environments the environment's pull secret, where the stack file has
 * `gitops.previews`. Stops it where the file no longer says so.
 */
export async function startSecretReplicator(stateDir: string, kubeconfigPath: string): Promise<void> {
  if (sandboxSettings().gitops.previews === undefined) return stopProcess(stateDir, name);
  await startProcess(stateDir, {
    name,
    command: process.execPath,
    args: [join(import.meta.dirname, "main.ts"), kubeconfigPath],
    ready: () => Promise.resolve(true),
  });
}
