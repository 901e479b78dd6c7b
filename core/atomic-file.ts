import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Writes a file all or nothing: a reader never finds half of it, and a process that is killed leaves the one before.
 * Directories around it are made.
 * @param mode permissions, from the first moment on. @default those that the system gives a new file
 */
export function writeFileAtomically(path: string, content: string | Uint8Array, mode?: number): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true });
  const unfinished = join(directory, `.${randomUUID()}.tmp`);
  try {
    writeFileSync(unfinished, content, mode === undefined ? { flag: "wx" } : { mode, flag: "wx" });
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

/** A directory that only its owner can enter; gone at the end of `using`, or with this process. */
export interface TemporaryDirectory extends Disposable {
  readonly path: string;
}

/** @param prefix what its name begins with, e.g. `delivery-docker-` */
export function temporaryDirectory(prefix: string): TemporaryDirectory {
  const path = mkdtempSync(join(tmpdir(), prefix));
  // One listener for all of them: Node warns of more than ten.
  if (present.size === 0) process.once("exit", removeAll);
  present.add(path);
  return {
    path,
    [Symbol.dispose]: () => {
      present.delete(path);
      if (present.size === 0) process.off("exit", removeAll);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** The temporary directories that are to be removed also if this process ends by an unexpected error. */
const present = new Set<string>();

function removeAll(): void {
  for (const path of present) rmSync(path, { recursive: true, force: true });
}
