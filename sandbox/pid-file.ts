import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Identity } from "./proc.ts";

/** What the sandbox remembers of a process that it has started: `<stateDir>/run/<name>.json`. */
export interface PidFile extends Identity {
  name: string;
  /** Hash of command, arguments and environment: another one means that the process must be replaced. */
  specHash: string;
  /** Milliseconds since 1970; processes stop in the reverse order of their start. */
  startedAt: number;
}

/** Writes the file as a whole: whoever reads it never sees a part. */
export function writePidFile(stateDir: string, file: PidFile): void {
  mkdirSync(join(stateDir, "run"), { recursive: true, mode: 0o700 });
  const path = pidPath(stateDir, file.name);
  writeFileSync(`${path}.new`, JSON.stringify(file), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Reads one; undefined when there is none. */
export function readPidFile(stateDir: string, name: string): PidFile | undefined {
  const path = pidPath(stateDir, name);
  if (!existsSync(path)) return undefined;
  try {
    // The file is written only by writePidFile().
    return JSON.parse(readFileSync(path, "utf8")) as PidFile;
  } catch {
    // A disk that was full while it was written: the mark in the process's environment still finds the process.
    return undefined;
  }
}

/** All of a sandbox, in the order in which the processes started. */
export function readPidFiles(stateDir: string): PidFile[] {
  const folder = join(stateDir, "run");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => readPidFile(stateDir, name.slice(0, -".json".length)) ?? [])
    .toSorted((a, b) => a.startedAt - b.startedAt);
}

/** Removes one, if it is there. */
export function removePidFile(stateDir: string, name: string): void {
  rmSync(pidPath(stateDir, name), { force: true });
}

function pidPath(stateDir: string, name: string): string {
  return join(stateDir, "run", `${name}.json`);
}
