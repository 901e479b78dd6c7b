import { join } from "node:path";
import { ensureCredentials, gitUsers } from "../credentials.ts";
import { sandboxProject, sandboxSettings, type SandboxEndpoints } from "../endpoints.ts";
import { nodeProgram, startProcess, stopProcess } from "../process.ts";

const processName = "registry-watch";
/**
 * Runs `delivery watch` where the stack file says `gitops.release: registry-watch`: what Argo CD Image Updater, which cannot
 * be built from the package registries, does on a cluster. Stops it where the file no longer says so.
 */
export async function watchRegistry(
  stateDir: string,
  endpoints: SandboxEndpoints,
  report: (line: string) => void,
): Promise<void> {
  const { app, images: wanted, gitops } = sandboxSettings(sandboxProject(stateDir));
  if (gitops.release !== "registry-watch" || endpoints.deployRepository === undefined) {
    return stopProcess(stateDir, processName);
  }
  const { registryPassword, gitWriteToken } = ensureCredentials(stateDir);
  const images = `${endpoints.registryHost}/${wanted.organization}/${app.name}`;
  report("Registry watch: starting `delivery watch`, in place of Argo CD Image Updater");
  await startProcess(stateDir, {
    name: processName,
    cwd: process.cwd(),
    ...nodeProgram(
      join(import.meta.dirname, "..", "..", "..", "cli", "main.ts"),
      ["watch", "--env", "sandbox", "--repository", endpoints.deployRepository, "--images", images],
      {
        DELIVERY_GIT_USERNAME: gitUsers.writer,
        DELIVERY_GIT_TOKEN: gitWriteToken,
        DELIVERY_REGISTRY_USERNAME: wanted.username,
        DELIVERY_REGISTRY_PASSWORD: registryPassword,
      },
    ),
    ready: () => Promise.resolve(true),
  });
}
