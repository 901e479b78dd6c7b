import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "./cache.ts";

/** Where folders of the cache wait for their removal. */
const removedFolder = (): string => join(cacheDir(), "removed");

/**
 * Removes a folder of the cache beside the work: gigabytes of small files take minutes on a busy disk. It is gone from its
 * place when this returns. Nothing waits for the process that removes it, and {@link continueRemovals} goes on where one was
 * killed.
 */
export function removeLater(folder: string): void {
  if (!existsSync(folder)) return;
  mkdirSync(removedFolder(), { recursive: true });
  renameSync(folder, join(removedFolder(), randomUUID()));
  continueRemovals();
}

/** Removes what waits for it, in a process of its own that outlives this one and yields to all others. */
export function continueRemovals(): void {
  const folder = removedFolder();
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  // Two of them at the same time are in nobody's way: what is gone already is no error.
  const child = spawn("nice", ["-n", "19", "rm", "-rf", "--", folder], { detached: true, stdio: "ignore", cwd: "/" });
  // A system without `nice`.
  child.on("error", () => rmSync(folder, { recursive: true, force: true }));
  child.unref();
}
