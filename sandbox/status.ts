import { existsSync } from "node:fs";
import { listProcesses, logPath } from "./process.ts";
import { loadTargets } from "./targets.ts";

/** Says which processes run, how much memory they take, and where everything is. */
export function status(stateDir: string): Promise<void> {
  const processes = existsSync(stateDir) ? listProcesses(stateDir) : [];
  if (processes.length === 0) {
    console.log("There is no sandbox here; `npm run up` starts one.");
    return Promise.resolve();
  }
  for (const { name, pid, running, residentBytes } of processes) {
    const state = running ? `${String(Math.round(residentBytes / 2 ** 20)).padStart(5)} MiB` : "  STOPPED";
    console.log(`${name.padEnd(24)} ${String(pid).padStart(8)} ${state}  ${logPath(stateDir, name)}`);
  }
  const total = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  console.log(`${"together".padEnd(24)} ${"".padStart(8)} ${String(Math.round(total / 2 ** 20)).padStart(5)} MiB`);
  const targets = loadTargets(stateDir);
  if (targets !== undefined) {
    console.log(`\nCluster        KUBECONFIG=${targets.kubeconfigPath}\nRegistry       http://${targets.registryHost}\nCircleCI API   ${targets.circleci.url}`);
  }
  if (processes.some(({ running }) => !running)) console.log("\nSome parts have stopped; `npm run up` starts them again.");
  return Promise.resolve();
}
