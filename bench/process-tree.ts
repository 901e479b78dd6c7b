import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

/** What a process and all that it started came to. */
export interface ProcessCost {
  readonly output: string;
  readonly seconds: number;
  /** Of the processor, by the process and its descendants; of those that ended early a little is missed. */
  readonly cpuSeconds: number;
  /** The most memory that each of them had resident, added up. */
  readonly peakMebibytes: number;
}

/** Clock ticks and pages as Linux counts them. */
const ticksPerSecond = 100;
const pollMilliseconds = 100;

/**
 * Runs a program to its end, and measures it with all that it starts.
 * @throws Error with its output if it fails
 */
export async function measureProcess(command: string, args: readonly string[], cwd: string): Promise<ProcessCost> {
  const start = performance.now();
  const child = spawn(command, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const seen = new Map<number, { cpuSeconds: number; kibibytes: number }>();
  const poll = setInterval(() => {
    for (const pid of child.pid === undefined ? [] : descendants(child.pid)) {
      const cost = costOf(pid);
      if (cost !== undefined) seen.set(pid, cost);
    }
  }, pollMilliseconds);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  try {
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (code !== 0) throw new Error(`${[command, ...args].join(" ")} fails:\n${errors}${output}`);
    const costs = [...seen.values()];
    return {
      output,
      seconds: (performance.now() - start) / 1000,
      cpuSeconds: costs.reduce((sum, cost) => sum + cost.cpuSeconds, 0),
      peakMebibytes: costs.reduce((sum, cost) => sum + cost.kibibytes, 0) / 1024,
    };
  } finally {
    clearInterval(poll);
  }
}

/** A process and all that descend from it. */
function descendants(root: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: Number(statOf(name)?.[1]) }));
  const children = Map.groupBy(parents, ({ parent }) => parent);
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []).map((one) => one.pid));
  return found;
}

function costOf(pid: number): { cpuSeconds: number; kibibytes: number } | undefined {
  const stat = statOf(String(pid));
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1];
  if (stat === undefined || peak === undefined) return undefined;
  return { cpuSeconds: (Number(stat[11]) + Number(stat[12])) / ticksPerSecond, kibibytes: Number(peak) };
}

/** The fields after the name, which may hold spaces and brackets: the state, the parent, … */
function statOf(pid: string): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Empty where the process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
