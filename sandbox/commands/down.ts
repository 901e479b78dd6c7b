import { existsSync } from "node:fs";
import { errorMessage } from "../../core/error.ts";
import { openSandboxStack } from "../engine/sandbox-stack.ts";
import { cacheDir, purgeCache } from "../machine/cache.ts";
import { loadEndpoints } from "../machine/endpoints.ts";
import { listProcesses } from "../machine/process.ts";
import { buildTools } from "../machine/tools/go-tools.ts";
import { stopSandbox } from "./start-sandbox.ts";
import type { Report } from "./progress.ts";
import { terminalOutput, withProgress } from "./terminal.ts";

export interface DownOptions {
  stateDir: string;
  /** Whether the cache of built tools goes, too. */
  purge: boolean;
  report: Report;
}

/** Destroys the stack, stops every process, and removes every file but the cache. */
export async function down({ stateDir, purge, report }: DownOptions): Promise<void> {
  const found = existsSync(stateDir);
  if (found) await destroyStack(stateDir, report);
  report(found ? "Stopping the sandbox" : "There is no sandbox here; looking for what one may have left");
  // Processes may outlive a state directory that somebody has removed.
  await stopSandbox(stateDir);
  report("The sandbox is gone", "end");
  if (!purge) return;
  report("Removing the cache");
  await purgeCache();
  report(`The cache ${cacheDir()} is gone`, "end");
}

/** Destroys what the stack declares. All of it is in the sandbox, so nothing is left to destroy where that no longer runs. */
async function destroyStack(stateDir: string, report: (line: string) => void): Promise<void> {
  const endpoints = loadEndpoints(stateDir);
  const stopped = listProcesses(stateDir).filter(({ running }) => !running);
  if (endpoints === undefined || stopped.length > 0) {
    const reason =
      endpoints === undefined ? "it was never up" : `${stopped.map(({ name }) => name).join(", ")} no longer run`;
    return report(`The stack goes with the sandbox undestroyed: ${reason}`);
  }
  const { pulumi } = await buildTools(["pulumi"], report);
  try {
    await using open = await openSandboxStack({ stateDir, pulumi, endpoints, report });
    await withProgress(report, "Pulumi: destroying the stack", (watch) =>
      open.stack.destroy({ ...watch, ...terminalOutput() }),
    );
  } catch (error) {
    const [reason] = errorMessage(error).split("\n", 1);
    report(`The stack was not destroyed in full, its parts go with the sandbox: ${reason}`);
  }
}
