import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { hasErrorCode } from "../../core/error.ts";
import { cacheDir, withLock } from "./cache.ts";
import { identify, isAlive, markedPids } from "./process-identity.ts";

/** How many ports after the preferred one are tried before any free one is taken. */
const attempts = 50;

/** Calls for one sandbox follow one another, or two of them would choose the same port. */
const queues = new Map<string, Promise<unknown>>();

/**
 * The port for one purpose of a sandbox, chosen once and kept in `<stateDir>/ports.json`: the preferred one if it is free,
 * else the next free one. Another one is chosen if a foreign process has taken it meanwhile. Until the sandbox is gone, no
 * other one of this user gets the port, even before anything listens there.
 *
 * @throws Error when the host's address cannot be bound at all.
 */
export function choosePort(stateDir: string, name: string, preferred: number, host = "127.0.0.1"): Promise<number> {
  const turn = (queues.get(stateDir) ?? Promise.resolve())
    .catch(() => undefined)
    .then(() => withClaims(() => choose(stateDir, name, preferred, host)));
  queues.set(stateDir, turn);
  return turn;
}

async function choose(stateDir: string, name: string, preferred: number, host: string): Promise<number> {
  const known = readPorts(stateDir);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const current = known[name];
  if (current !== undefined && (await isStillUsable(stateDir, current, host))) {
    claim(current, stateDir);
    return current;
  }
  const others = new Set(Object.entries(known).flatMap(([other, port]) => (other === name ? [] : [port])));
  const port = await firstFree(preferred, host, (candidate) => others.has(candidate) || isClaimed(candidate, stateDir));
  writeFileAtomically(portsPath(stateDir), `${JSON.stringify({ ...known, [name]: port }, null, 2)}\n`);
  claim(port, stateDir);
  return port;
}

async function isStillUsable(stateDir: string, port: number, host: string): Promise<boolean> {
  return (await isFree(port, host)) ? !isClaimed(port, stateDir) : isOurs(stateDir, port);
}

async function firstFree(preferred: number, host: string, isTaken: (port: number) => boolean): Promise<number> {
  for (let port = preferred; port < Math.min(preferred + attempts, 65_536); port += 1) {
    if (!isTaken(port) && (await isFree(port, host))) return port;
  }
  const any = await listenOnce(0, host);
  return isTaken(any) ? firstFree(preferred, host, isTaken) : any;
}

async function isFree(port: number, host: string): Promise<boolean> {
  try {
    await listenOnce(port, host);
    return true;
  } catch (error) {
    if (hasErrorCode(error, "EADDRINUSE", "EACCES")) return false;
    throw new Error(
      `Port ${port} cannot be tried on ${host}: ${String(error)}. Is ${host} an address of this machine?`,
      { cause: error },
    );
  }
}

function listenOnce(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // Who takes it for the server that is to come is not kept waiting, or this one would not close.
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === "object" && address ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

/** Whether a process of this sandbox listens on the port: by the kernel's socket table and the process's open files. */
function isOurs(stateDir: string, port: number): boolean {
  const sockets = new Set(["tcp", "tcp6"].flatMap((family) => listeningSockets(`/proc/net/${family}`, port)));
  return markedPids(stateDir).some((pid) => openFiles(pid).some((target) => sockets.has(target)));
}

function listeningSockets(table: string, port: number): string[] {
  if (!existsSync(table)) return [];
  const listening = "0A";
  return readFileSync(table, "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening && Number.parseInt(fields[1]?.split(":")[1] ?? "", 16) === port)
    .map((fields) => `socket:[${fields[9]}]`);
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((descriptor) => linkTarget(`/proc/${pid}/fd/${descriptor}`));
  } catch {
    // The process has ended since it was listed.
    return [];
  }
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

const portsPath = (stateDir: string): string => join(stateDir, "ports.json");

function readPorts(stateDir: string): Record<string, number> {
  const path = portsPath(stateDir);
  if (!existsSync(path)) return {};
  try {
    const content: unknown = JSON.parse(readFileSync(path, "utf8"));
    const entries = typeof content === "object" && content ? Object.entries(content) : [];
    return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === "number"));
  } catch (error) {
    throw new Error(`${path} is not valid JSON (${String(error)}): stop the sandbox and remove the file.`, {
      cause: error,
    });
  }
}

/** By port: the sandbox that has chosen it, and the process that chose. */
const claimsSchema = z.record(
  z.string(),
  z.strictObject({ stateDir: z.string(), pid: z.number(), startTime: z.string(), bootId: z.string() }),
);
type Claims = z.infer<typeof claimsSchema>;

const claimsPath = (): string => join(cacheDir(), "ports.json");

/** Runs `work` while no other sandbox of this user looks for a port. */
function withClaims<T>(work: () => Promise<T>): Promise<T> {
  return withLock(join(cacheDir(), "ports.lock"), () => undefined, work);
}

/**
 * Whether another sandbox of this user has chosen the port, even if nothing listens there yet: Argo CD's controllers start
 * only when the stack has installed it. A claim ends with the processes of its sandbox, or with its state directory.
 */
function isClaimed(port: number, stateDir: string): boolean {
  const owner = readClaims()[port];
  if (owner === undefined || owner.stateDir === realpathSync(stateDir) || !existsSync(owner.stateDir)) return false;
  return isAlive(owner) || markedPids(owner.stateDir).length > 0;
}

/** Records that the port belongs to this sandbox, whose state directory exists. */
function claim(port: number, stateDir: string): void {
  const self = identify(process.pid);
  if (self === undefined) throw new Error(`/proc does not show this process (${process.pid})`);
  const others = Object.entries(readClaims()).filter(([, { stateDir: other }]) => existsSync(other));
  const claims: Claims = { ...Object.fromEntries(others), [port]: { stateDir: realpathSync(stateDir), ...self } };
  writeFileAtomically(claimsPath(), JSON.stringify(claims));
}

function readClaims(): Claims {
  try {
    return claimsSchema.parse(JSON.parse(readFileSync(claimsPath(), "utf8")));
  } catch {
    // Not there yet, or removed with the cache, which may be deleted at any time. A port where something listens is still
    // recognized as taken.
    return {};
  }
}
