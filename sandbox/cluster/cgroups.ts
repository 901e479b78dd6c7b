import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Controllers that a kubelet cannot do without. */
const needed = ["cpu", "memory", "pids"] as const;

/** Where control groups can be made: one folder on version 2, one for each hierarchy on version 1. */
interface Hierarchy {
  folder: string;
  version: 1 | 2;
}

/**
 * Makes the control group below which all groups of one sandbox's pods are.
 *
 * @param name e.g. "delivery-sandbox-1a2b3c4d"
 * @throws Error that says which controller cannot be used, and why
 */
export function createCgroup(name: string): void {
  const all = hierarchies();
  const first = all.filter(({ version }) => version === 1);
  const used = first.length > 0 ? first : all;
  if (used.length === 0) throw new Error("no control groups are mounted at /sys/fs/cgroup");
  for (const { folder } of used) mkdirSync(join(folder, name), { recursive: true });
  if (first.length > 0) requireVersion1(name);
  else used.forEach(({ folder }) => requireVersion2(folder, name));
}

/** Ends the processes in a control group and below, and removes all of it. Does nothing when there is none. */
export async function removeCgroup(name: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (const { folder } of hierarchies()) {
    const root = join(folder, name);
    while (existsSync(root)) {
      const problem = tryRemove(root);
      if (problem === undefined) break;
      if (Date.now() > deadline) throw new Error(`Control group ${root} cannot be removed: ${problem}`);
      await sleep(50);
    }
  }
}

function requireVersion1(name: string): void {
  const missing = needed.filter((controller) => !existsSync(join("/sys/fs/cgroup", controller, name)));
  if (missing.length > 0) throw new Error(`the control group controllers ${missing.join(", ")} are not mounted`);
}

function requireVersion2(folder: string, name: string): void {
  const available = (): string[] => readFileSync(join(folder, name, "cgroup.controllers"), "utf8").trim().split(" ");
  const missing = needed.filter((controller) => !available().includes(controller));
  if (missing.length === 0) return;
  try {
    writeFileSync(join(folder, "cgroup.subtree_control"), missing.map((controller) => `+${controller}`).join(" "));
  } catch (error) {
    throw new Error(`the control group controllers ${missing.join(", ")} cannot be enabled in ${folder}`, { cause: error });
  }
}

function tryRemove(root: string): string | undefined {
  try {
    for (const folder of foldersBelow(root)) {
      for (const pid of readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean)) process.kill(Number(pid), "SIGKILL");
    }
    for (const folder of foldersBelow(root)) rmdirSync(folder);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The folder and all below it, the deepest first: the order in which the kernel lets them go. */
function foldersBelow(folder: string): string[] {
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...children.flatMap((entry) => foldersBelow(join(folder, entry.name))), folder];
}

function hierarchies(): Hierarchy[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([, folder, type]) => {
      if (folder === undefined || (type !== "cgroup" && type !== "cgroup2")) return [];
      return [{ folder, version: type === "cgroup" ? 1 : 2 } as const];
    });
}
