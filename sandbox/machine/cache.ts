import { randomUUID } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasErrorCode } from "../../core/error.ts";
import { outputOf } from "../../core/process.ts";
import { identify, isAlive, type Identity } from "./process-identity.ts";

const pollMilliseconds = 200;

/**
 * Folder of everything that is made once per machine and user: built tools, unpacked packages, base images. Its entries
 * are named by what they are made from, so that all checkouts share them. It may be deleted at any time.
 */
export function cacheDir(): string {
  // The XDG specification says: a relative path is to be ignored.
  const xdg = process.env["XDG_CACHE_HOME"];
  return join(xdg?.startsWith("/") ? xdg : join(homedir(), ".cache"), "delivery-sandbox");
}

/** Removes the whole cache. */
export async function purgeCache(): Promise<void> {
  const folder = cacheDir();
  if (!existsSync(folder)) return;
  // Layers of images have folders that even their owner may not write to: without root they could not be removed.
  if (process.getuid?.() !== 0) await outputOf("chmod", ["--recursive", "u+rwX", folder]);
  // Node's own removal stops without an error where another process, as one of removal.ts, is faster.
  await outputOf("rm", ["-rf", "--", folder]);
}

/**
 * The path of a cache entry, made by `make` in a folder of its own and moved into place as a whole if it is not there:
 * whatever exists under its final name is complete.
 */
export async function cached(path: string, make: (folder: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return path;
  const folder = `${path}.${process.pid}-${randomUUID().slice(0, 8)}.new`;
  mkdirSync(folder, { recursive: true });
  try {
    await make(folder);
    renameSync(folder, path);
  } catch (error) {
    // Another process was faster: its entry has the same content.
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return path;
}

/** How long a lock is waited for, and who is told. */
interface LockWait {
  /** Called about once in ten seconds with the process that holds the lock, and the seconds waited so far. */
  onWait: (owner: number, seconds: number) => void;
  /** Ends the waiting. @default nothing does */
  signal?: AbortSignal;
}

/** Runs `work` while no other process runs work under the same lock file. @param onWait as of {@link takeLock} */
export async function withLock<T>(lock: string, onWait: LockWait["onWait"], work: () => Promise<T>): Promise<T> {
  using _held = await takeLock(lock, { onWait });
  return await work();
}

/**
 * Waits until no other process has the lock, and has it until it is disposed of. The lock of a process that has died is taken over.
 * @throws what `signal` was aborted with
 */
export async function takeLock(lock: string, { onWait, signal }: LockWait): Promise<Disposable> {
  const self = identify(process.pid);
  if (!self)
    throw new Error(`/proc does not show this process (${process.pid}): the sandbox needs Linux with /proc mounted.`);
  mkdirSync(dirname(lock), { recursive: true });
  const started = Date.now();
  for (let reported = 0; !take(lock, self);) {
    signal?.throwIfAborted();
    const owner = readOwner(lock);
    if (owner && !isAlive(owner)) breakLock(lock, owner);
    else {
      if (owner && Date.now() - reported > 10_000) {
        onWait(owner.pid, Math.round((Date.now() - started) / 1000));
        reported = Date.now();
      }
      await sleep(pollMilliseconds);
    }
  }
  return { [Symbol.dispose]: () => rmSync(lock, { force: true }) };
}

/** A hard link appears with its content, or not at all: no reader ever sees a lock without its owner. */
function take(lock: string, self: Identity): boolean {
  const own = `${lock}.${self.pid}-${randomUUID().slice(0, 8)}`;
  writeFileSync(own, JSON.stringify(self));
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (hasErrorCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function readOwner(lock: string): Identity | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(lock, "utf8"));
    return isIdentity(content) ? content : undefined;
  } catch {
    // It has been released meanwhile.
    return undefined;
  }
}

function isIdentity(content: unknown): content is Identity {
  return (
    typeof content === "object" && content !== null && "pid" in content && "startTime" in content && "bootId" in content
  );
}

/** Two processes may find the same dead owner; the slower one must not remove the lock that the faster one has taken since. */
function breakLock(lock: string, dead: Identity): void {
  const aside = `${lock}.broken-${randomUUID().slice(0, 8)}`;
  try {
    renameSync(lock, aside);
  } catch {
    return;
  }
  const moved = readOwner(aside);
  if (moved && (moved.pid !== dead.pid || moved.startTime !== dead.startTime)) linkSync(aside, lock);
  rmSync(aside, { force: true });
}
