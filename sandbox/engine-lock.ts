import { globSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { identify } from "./proc.ts";

/**
 * Removes the locks on a local state whose owner was a process of this machine and is no more: a killed update leaves one,
 * and every later update would refuse to start. Locks of living processes and of other machines stay.
 * Source of the fields: https://github.com/pulumi/pulumi/blob/master/pkg/backend/diy/lock.go
 */
export function breakDeadLocks(state: string): void {
  for (const path of globSync(join(state, ".pulumi", "locks", "**", "*.json"))) {
    const owner = readOwner(path);
    if (owner === undefined || owner.hostname !== hostname() || identify(owner.pid) !== undefined) continue;
    rmSync(path, { force: true });
  }
}

function readOwner(path: string): { pid: number; hostname: string } | undefined {
  try {
    const lock: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof lock !== "object" || lock === null || !("pid" in lock) || !("hostname" in lock)) return undefined;
    if (typeof lock.pid !== "number" || typeof lock.hostname !== "string") return undefined;
    return { pid: lock.pid, hostname: lock.hostname };
  } catch {
    return undefined;
  }
}
