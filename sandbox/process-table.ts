import { listProcesses, logPath } from "./process.ts";
import type { StackTargets } from "./targets.ts";

/** Which processes run, how much memory they take, and where everything is: one line each. */
export function processTable(stateDir: string, targets: StackTargets | undefined): string[] {
  const processes = listProcesses(stateDir);
  const lines = processes.map(({ name, pid, running, residentBytes }) => {
    const state = running ? mebibytes(residentBytes) : "  STOPPED";
    return `${name.padEnd(24)} ${String(pid).padStart(8)} ${state}  ${logPath(stateDir, name)}`;
  });
  const total = processes.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  const places = targets && [
    "",
    `Cluster        KUBECONFIG=${targets.kubeconfigPath}`,
    `Registry       http://${targets.registryHost}`,
    `CircleCI API   ${targets.circleci.url}`,
    ...(targets.githubApi === undefined ? [] : [`GitHub API     ${targets.githubApi}`]),
    ...(targets.sourceRepository === undefined ? [] : [`Source repo    ${targets.sourceRepository}`]),
    ...(targets.deployRepository === undefined ? [] : [`Deploy repo    ${targets.deployRepository}`]),
  ];
  const stopped = processes.some(({ running }) => !running)
    ? ["", "Some parts have stopped; `npm run up` starts them again."]
    : [];
  return [...lines, `${"together".padEnd(24)} ${"".padEnd(8)} ${mebibytes(total)}`, ...(places ?? []), ...stopped];
}

function mebibytes(bytes: number): string {
  return `${String(Math.round(bytes / 2 ** 20)).padStart(5)} MiB`;
}
