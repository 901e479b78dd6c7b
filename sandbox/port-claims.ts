import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

import { cacheDir, withLock } from "./cache.ts";
import { identify, isAlive, markedPids } from "./proc.ts";

/** By port: the sandbox that has chosen it, and the process that chose. */
const claimsSchema = z.record(
  z.string(),
  z.strictObject({ stateDir: z.string(), pid: z.number(), startTime: z.string(), bootId: z.string() }),
);
type Claims = z.infer<typeof claimsSchema>;

const claimsPath = (): string => join(cacheDir(), "ports.json");

/** Runs `work` while no other sandbox of this user looks for a port. */
export function withClaims<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(cacheDir(), "ports.lock"), () => undefined, work);
}

/**
 * Whether another sandbox of this user has chosen the port, be it for something that does not listen yet: Argo CD's
 * controllers start only when the stack has installed it. A claim ends with the processes of its sandbox, or with its
 * state directory.
 */
export function isClaimed(port: number, stateDir: string): boolean {
  const owner = readClaims()[port];
  if (owner === undefined || owner.stateDir === realpathSync(stateDir) || !existsSync(owner.stateDir)) return false;
  return isAlive(owner) || markedPids(owner.stateDir).length > 0;
}

/** Says that the port is this sandbox's, whose state directory is there. */
export function claim(port: number, stateDir: string): void {
  const self = identify(process.pid);
  if (self === undefined) throw new Error(`/proc does not show this process (${process.pid})`);
  const others = Object.entries(readClaims()).filter(([, { stateDir: other }]) => existsSync(other));
  const claims: Claims = { ...Object.fromEntries(others), [port]: { stateDir: realpathSync(stateDir), ...self } };
  writeFileSync(`${claimsPath()}.new`, JSON.stringify(claims));
  renameSync(`${claimsPath()}.new`, claimsPath());
}

function readClaims(): Claims {
  try {
    return claimsSchema.parse(JSON.parse(readFileSync(claimsPath(), "utf8")));
  } catch {
    // Not there, or removed with the cache, which may be deleted at any time; what listens is seen all the same.
    return {};
  }
}
