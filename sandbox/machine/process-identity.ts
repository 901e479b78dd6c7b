import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeFileAtomically } from "../../core/atomic-file.ts";

/** What tells a process from every other that has had, or will have, the same id. */
export interface Identity {
  pid: number;
  /** Clock ticks between boot and start, from /proc/PID/stat. */
  startTime: string;
  /** The kernel's id of this boot: after a reboot the same ids and start times occur again. */
  bootId: string;
}

const markerName = "DELIVERY_SANDBOX_STATE";

/**
 * The environment entry that all processes of one sandbox carry and their children inherit. It is no setting: it only
 * lets `down` find processes that no pid file names.
 */
export function markerOf(stateDir: string): Record<string, string> {
  // The directory may be gone while its processes still run.
  return { [markerName]: existsSync(stateDir) ? realpathSync(stateDir) : resolve(stateDir) };
}

/** Identity of a running process; undefined when there is none, or it has ended and only waits for its parent. */
export function identify(pid: number): Identity | undefined {
  const stat = readStat(pid);
  return stat && { pid, startTime: stat.startTime, bootId: bootId() };
}

/** Whether exactly this process still runs. */
export function isAlive(identity: Identity): boolean {
  return identity.bootId === bootId() && readStat(identity.pid)?.startTime === identity.startTime;
}

/** Whether any process of a process group still runs. */
export function isGroupAlive(group: number): boolean {
  return allPids().some((pid) => isInGroup(pid, group));
}

/** Whether a process runs, and belongs to a process group. */
export function isInGroup(pid: number, group: number): boolean {
  return readStat(pid)?.group === group;
}

/** Whether a process was started with this command and these arguments, possibly through another command such as `nsenter`. */
export function runsCommand(pid: number, command: readonly string[]): boolean {
  return readProc(pid, "cmdline")?.endsWith(`${command.join("\0")}\0`) ?? false;
}

/** The entry as this process itself carries it, for processes that it starts with an environment of their own. */
export function ownMarker(): Record<string, string> {
  const value = process.env[markerName];
  return value === undefined ? {} : { [markerName]: value };
}

/** Ids of all running processes that carry the mark of this sandbox. */
export function markedPids(stateDir: string): number[] {
  return Object.entries(markerOf(stateDir)).flatMap(([name, value]) => pidsWith(name, value));
}

/** Ids of all running processes with this entry in the environment that they were started with. */
export function pidsWith(name: string, value: string): number[] {
  const entry = `${name}=${value}`;
  return allPids().filter(
    (pid) => readProc(pid, "environ")?.split("\0").includes(entry) === true && readStat(pid) !== undefined,
  );
}

/** Ids of the running processes that a process has started itself. */
export function childrenOf(pid: number): number[] {
  return allPids().filter((child) => readStat(child)?.parent === pid);
}

/**
 * Resident memory of a process and all its descendants, in bytes.
 *
 * @param excluded descendants that are counted separately, together with their own descendants
 */
export function residentBytesOfTree(root: number, excluded: ReadonlySet<number> = new Set()): number {
  const all = allPids().flatMap((pid) => {
    const stat = readStat(pid);
    return stat ? [{ pid, ...stat }] : [];
  });
  const sumOf = (pid: number): number =>
    all
      .filter((entry) => entry.parent === pid && !excluded.has(entry.pid))
      .reduce((sum, entry) => sum + sumOf(entry.pid), residentBytes(pid));
  return sumOf(root);
}

function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(pid, "status") ?? "")?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

function readStat(pid: number): { parent: number; group: number; startTime: string } | undefined {
  const text = readProc(pid, "stat");
  if (text === undefined) return undefined;
  // The second field is the command's name in parentheses, which may itself hold spaces and parentheses.
  const [state, parent, group, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startTime = rest[16];
  return state === "Z" || state === "X" || startTime === undefined
    ? undefined
    : { parent: Number(parent), group: Number(group), startTime };
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // The process has ended, or belongs to another user.
    return undefined;
  }
}

function allPids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** What the sandbox remembers of a process that it has started: `<stateDir>/run/<name>.json`. */
export interface PidFile extends Identity {
  name: string;
  /** Hash of command, arguments and environment: another one means that the process must be replaced. */
  specHash: string;
  /** Milliseconds since 1970; processes stop in the reverse order of their start. */
  startedAt: number;
}

/** Writes the pid file of a process, all or nothing. */
export function writePidFile(stateDir: string, file: PidFile): void {
  mkdirSync(join(stateDir, "run"), { recursive: true, mode: 0o700 });
  writeFileAtomically(pidPath(stateDir, file.name), JSON.stringify(file), 0o600);
}

/** The pid file of a process; `undefined` where there is none. */
export function readPidFile(stateDir: string, name: string): PidFile | undefined {
  const path = pidPath(stateDir, name);
  if (!existsSync(path)) return undefined;
  try {
    // The file is written only by writePidFile().
    return JSON.parse(readFileSync(path, "utf8")) as PidFile;
  } catch {
    // The disk may have been full while it was written. The mark in the process's environment still finds the process.
    return undefined;
  }
}

/** All pid files of a sandbox, in the order in which the processes started. */
export function readPidFiles(stateDir: string): PidFile[] {
  const folder = join(stateDir, "run");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => readPidFile(stateDir, name.slice(0, -".json".length)) ?? [])
    .toSorted((a, b) => a.startedAt - b.startedAt);
}

/** Removes the pid file of a process, if it is there. */
export function removePidFile(stateDir: string, name: string): void {
  rmSync(pidPath(stateDir, name), { force: true });
}

function pidPath(stateDir: string, name: string): string {
  return join(stateDir, "run", `${name}.json`);
}
