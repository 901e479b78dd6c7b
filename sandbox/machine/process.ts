import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasErrorCode } from "../../core/error.ts";
import { cacheDir } from "./cache.ts";
import {
  identify,
  isAlive,
  isGroupAlive,
  isInGroup,
  markedPids,
  markerOf,
  readPidFile,
  readPidFiles,
  removePidFile,
  residentBytesOfTree,
  runsCommand,
  writePidFile,
  type PidFile,
} from "./process-identity.ts";

/** A process of the sandbox: what runs, and how one knows that it is ready. */
export interface ProcessSpec {
  /** Unique within the sandbox; names the log and the pid file. */
  name: string;
  /** Absolute path, or a name that is found on PATH. */
  command: string;
  args: readonly string[];
  /** Added to PATH, HOME and TMPDIR, all that a process gets of the caller's environment: a proxy or a KUBECONFIG must not leak in. */
  env?: Record<string, string>;
  /** @default the state directory */
  cwd?: string;
  /** Id of the process whose network, mount and process namespaces it joins. @default those of the caller */
  namespacesOf?: number;
  /** Called every 50 ms; `false` or a rejection means "not yet". */
  ready: () => Promise<boolean> | Promise<void>;
  /** One that dies earlier is seen at once; on a machine that compiles beside it a start may take minutes. @default 300 */
  readyTimeoutSeconds?: number;
}

/** What the pid file says of a process, and what the kernel says of it now. */
interface ProcessStatus {
  name: string;
  pid: number;
  running: boolean;
  startedAt: Date;
  /** Memory of the process and all its descendants, in bytes. */
  residentBytes: number;
}

const pollMilliseconds = 50;
/** A process may die during a look whether it is ready. */
const probeMilliseconds = 5_000;
/** Another sandbox may have its port for the moment in which it looks for one. */
const portAttempts = 5;
const portPauseMilliseconds = 500;
const stopGraceMilliseconds = 5_000;

/**
 * Starts a process that outlives the caller and its terminal, and waits until it is ready. One that runs already with the
 * same command, arguments and environment is kept; one with others is replaced.
 *
 * @throws Error with the last lines of the log when it exits, or is not ready in time; it is stopped then.
 */
export async function startProcess(stateDir: string, spec: ProcessSpec, attempts = portAttempts): Promise<void> {
  try {
    await startOnce(stateDir, spec);
  } catch (error) {
    if (!(error instanceof PortTakenError) || attempts === 1) throw error;
    await sleep(portPauseMilliseconds);
    await startProcess(stateDir, spec, attempts - 1);
  }
}

async function startOnce(stateDir: string, spec: ProcessSpec): Promise<void> {
  mkdirSync(join(stateDir, "logs"), { recursive: true, mode: 0o700 });
  const specHash = hashOf(spec);
  const found = readPidFile(stateDir, spec.name);
  if (found && found.specHash === specHash && isAlive(found)) return waitUntilReady(stateDir, spec, found, 0);
  if (found) await stopOne(stateDir, found);
  await killAll(() => strays(stateDir, spec));
  const log = logPath(stateDir, spec.name);
  const logStart = existsSync(log) ? statSync(log).size : 0;
  const started = launch(stateDir, spec, specHash);
  if (!started) throw endedEarly(stateDir, spec, logStart);
  await waitUntilReady(stateDir, spec, started, logStart);
}

/** Stops one process and its process group; does nothing when it does not run. */
export async function stopProcess(stateDir: string, name: string): Promise<void> {
  const found = readPidFile(stateDir, name);
  if (found) await stopOne(stateDir, found);
}

/**
 * Stops every process of the sandbox in the reverse order of their start, then whatever still carries the sandbox's mark:
 * children that left their process group, and a process whose starter died before it wrote the pid file.
 */
export async function stopAllProcesses(stateDir: string): Promise<void> {
  for (const found of readPidFiles(stateDir).toReversed()) await stopOne(stateDir, found);
  await killAll(() => markedPids(stateDir));
}

/** All processes that were started in this sandbox and not stopped, in the order of their start. */
export function listProcesses(stateDir: string): ProcessStatus[] {
  const files = readPidFiles(stateDir);
  const listed = new Set(files.map(({ pid }) => pid));
  return files.map((file) => {
    const running = isAlive(file);
    return {
      name: file.name,
      pid: file.pid,
      running,
      startedAt: new Date(file.startedAt),
      residentBytes: running ? residentBytesOfTree(file.pid, listed) : 0,
    };
  });
}

/** A process if it runs; costs much less than `listProcesses`, which reads every process of the machine. */
export function runningProcess(stateDir: string, name: string): Pick<ProcessStatus, "pid" | "startedAt"> | undefined {
  const file = readPidFile(stateDir, name);
  return file && isAlive(file) ? { pid: file.pid, startedAt: new Date(file.startedAt) } : undefined;
}

/** Its id. */
export function runningPid(stateDir: string, name: string): number | undefined {
  return runningProcess(stateDir, name)?.pid;
}

/** Path of a process's log file. */
export function logPath(stateDir: string, name: string): string {
  return join(stateDir, "logs", `${name}.log`);
}

/**
 * Starts a daemon. It is not run through core/process.ts, which waits for the end of what it starts: this one outlives its
 * caller, in a process group of its own, and writes to its log.
 * @returns undefined if the process has ended already
 */
function launch(stateDir: string, spec: ProcessSpec, specHash: string): PidFile | undefined {
  const log = openSync(logPath(stateDir, spec.name), "a", 0o600);
  const [command, args] = withNamespaces(spec);
  // A session of its own, no terminal and no pipes: neither Ctrl-C nor the death of the caller reaches it.
  const child = spawn(command, args, {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: spec.cwd ?? stateDir,
    env: { ...inherited(), ...spec.env, ...markerOf(stateDir) },
  });
  closeSync(log);
  child.unref();
  // Without a listener the "error" event would be thrown; the missing pid below tells the same.
  child.on("error", () => undefined);
  if (child.pid === undefined)
    throw new Error(`Process "${spec.name}" does not start: ${command} is missing or cannot be executed.`);
  const identity = identify(child.pid);
  if (!identity) return undefined;
  const file: PidFile = { ...identity, name: spec.name, specHash, startedAt: Date.now() };
  writePidFile(stateDir, file);
  return file;
}

function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    ["PATH", "HOME", "TMPDIR"].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function withNamespaces(spec: ProcessSpec): [string, readonly string[]] {
  if (spec.namespacesOf === undefined) return [spec.command, spec.args];
  return [
    "nsenter",
    ["--target", String(spec.namespacesOf), "--net", "--mount", "--pid", "--", spec.command, ...spec.args],
  ];
}

async function waitUntilReady(stateDir: string, spec: ProcessSpec, started: PidFile, logStart: number): Promise<void> {
  const seconds = spec.readyTimeoutSeconds ?? 300;
  const deadline = Date.now() + seconds * 1000;
  let reason = "";
  while (Date.now() < deadline) {
    if (!isAlive(started)) {
      removePidFile(stateDir, spec.name);
      throw endedEarly(stateDir, spec, logStart);
    }
    // A probe that hangs must neither outlive the deadline nor hide that the process has died.
    const limit = new AbortController();
    try {
      const patience = Math.min(probeMilliseconds, deadline - Date.now());
      const answer = await Promise.race([spec.ready(), sleep(patience, false, { signal: limit.signal })]);
      if (answer !== false) return;
    } catch (error) {
      reason = error instanceof Error ? ` Last answer: ${error.message.replace(/\.$/, "")}.` : "";
    } finally {
      limit.abort();
    }
    await sleep(pollMilliseconds);
  }
  await stopOne(stateDir, started);
  throw new Error(
    `Process "${spec.name}" (${spec.command}) was not ready within ${seconds} s.${reason}${lastLines(stateDir, spec.name, logStart)}`,
  );
}

class PortTakenError extends Error {}

function endedEarly(stateDir: string, spec: ProcessSpec, logStart: number): Error {
  const lines = lastLines(stateDir, spec.name, logStart);
  // As programs in Go, Node.js' own errors and the stand-ins say it.
  const isPortTaken = /address already in use|EADDRINUSE|port \d+ on \S+ is taken/.test(lines);
  const message = `Process "${spec.name}" (${spec.command}) ended before it was ready.${lines}`;
  return isPortTaken ? new PortTakenError(message) : new Error(message);
}

/** Ends a process and its group. The pid file is removed last, so that a stop that is interrupted can be repeated. */
async function stopOne(stateDir: string, file: PidFile): Promise<void> {
  // A leader that was killed may have left its group behind. The kernel does not reuse the number of a group that exists.
  const isOurs = isAlive(file) || markedPids(stateDir).some((pid) => isInGroup(pid, file.pid));
  for (const name of isOurs ? (["SIGTERM", "SIGKILL"] as const) : []) {
    if (!isGroupAlive(file.pid)) break;
    signal(-file.pid, name);
    for (const deadline = Date.now() + stopGraceMilliseconds; isGroupAlive(file.pid) && Date.now() < deadline;)
      await sleep(20);
  }
  if (isAlive(file)) throw new Error(`Process "${file.name}" (pid ${file.pid}) does not end on SIGKILL.`);
  removePidFile(stateDir, file.name);
}

/** Processes with this very command that no pid file names: their starter was killed right after the start. */
function strays(stateDir: string, spec: ProcessSpec): number[] {
  const known = readPidFiles(stateDir).filter(isAlive);
  return markedPids(stateDir)
    .filter((pid) => runsCommand(pid, [spec.command, ...spec.args]))
    .filter((pid) => !known.some((file) => isInGroup(pid, file.pid)));
}

/** Kills what is found, until nothing is found any more. */
async function killAll(find: () => number[]): Promise<void> {
  const deadline = Date.now() + stopGraceMilliseconds;
  for (let left = find(); left.length > 0; left = find()) {
    if (Date.now() > deadline)
      throw new Error(
        `Processes ${left.join(", ")} do not end on SIGKILL: look at them with "ps -fp ${left.join(",")}".`,
      );
    for (const pid of left) signal(pid, "SIGKILL");
    await sleep(20);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (hasErrorCode(error, "ESRCH")) return;
    if (hasErrorCode(error, "EPERM"))
      throw new Error(
        `Process ${Math.abs(pid)} belongs to another user: stop the sandbox as the user that started it.`,
        { cause: error },
      );
    throw error;
  }
}

function hashOf(spec: ProcessSpec): string {
  const identity = [spec.command, spec.args, spec.env ?? {}, spec.cwd ?? "", spec.namespacesOf ?? 0];
  return createHash("sha256").update(JSON.stringify(identity)).digest("hex");
}

function lastLines(stateDir: string, name: string, from: number): string {
  const path = logPath(stateDir, name);
  if (!existsSync(path)) return "";
  const lines = readFileSync(path).subarray(from).toString("utf8").trimEnd().split("\n").slice(-15);
  if (lines.join("") === "") return ` Its log ${path} is empty.`;
  return `\nLast lines of ${path}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** For programs in Go, idle most of the time: half of what Go's collector would leave them, unless the environment says otherwise. */
export const frugalGo = { GOGC: process.env["GOGC"] ?? "50" } as const;

/**
 * How a program of this repository runs as a process of the sandbox. Node's compile cache saves it the TypeScript compiler,
 * and so 30 MB and some time to start; the program calls `flushCompileCache()` as soon as it serves, since it may be killed.
 * The default size of the young heap would cost up to 45 MB under load, for a throughput that none of them needs.
 *
 * @param path absolute
 */
export function nodeProgram(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Pick<ProcessSpec, "command" | "args" | "env"> {
  return {
    command: process.execPath,
    args: ["--max-semi-space-size=1", path, ...args],
    env: { NODE_COMPILE_CACHE: join(cacheDir(), "node"), ...env },
  };
}
