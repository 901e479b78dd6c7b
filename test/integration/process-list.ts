import { readdirSync, readFileSync } from "node:fs";

/** A process of this machine, as /proc shows it. */
export interface ListedProcess {
  arguments: string[];
  /** As `NAME=value`; empty where it belongs to another user. */
  environment: string[];
}

/** All processes but this one. */
export function listMachineProcesses(): ListedProcess[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.map((pid) => ({
    arguments: strings(`/proc/${pid}/cmdline`),
    environment: strings(`/proc/${pid}/environ`),
  }));
}

function strings(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\0");
  } catch {
    // It has ended since it was listed, or belongs to another user.
    return [];
  }
}
