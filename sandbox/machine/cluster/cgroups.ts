import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../../../core/error.ts";
import { retry } from "../../../core/retry.ts";
import { writePrivate } from "../private-file.ts";

/** What the kubelet uses where it is there. */
const used = new Set(["cpu", "cpuset", "memory", "hugetlb", "pids"]);
/** What it cannot do without. */
const needed = ["cpu", "memory", "pids"];

interface Hierarchy {
  folder: string;
  version: 1 | 2;
}

/**
 * Makes the control group below which all groups of one sandbox's pods are. On version 2 its controllers must be switched
 * on in the root group, where systemd leaves some of them off; which were on is noted, so that removal restores that.
 *
 * @param name e.g. "delivery-sandbox-1a2b3c4d"
 * @throws Error that says which controller cannot be used, and where
 */
export function createCgroup(stateDir: string, name: string): void {
  const all = hierarchies();
  const separate = all.filter(({ version }) => version === 1);
  // On a machine with both, the second holds no controllers.
  if (separate.length > 0) return createSeparate(separate, name);
  const unified = all[0];
  if (!unified) throw new Error("no control groups are mounted at /sys/fs/cgroup");
  createUnified(unified.folder, stateDir, name);
}

/** Ends the processes in a control group and below, and removes all of it. Does nothing when there is none. */
export async function removeCgroup(stateDir: string, name: string): Promise<void> {
  // The kernel refuses to remove a group until the processes that were killed in it have ended.
  const pauses = Array.from({ length: 200 }, () => 50);
  for (const { folder } of hierarchies()) {
    const root = join(folder, name);
    await retry(async () => endAndRemove(root), { pauses }).catch((error: unknown) => {
      throw new Error(`Control group ${root} cannot be removed: ${errorMessage(error)}`, { cause: error });
    });
  }
  restoreControllers(stateDir);
}

function createSeparate(separate: readonly Hierarchy[], name: string): void {
  const missing = needed.filter((controller) => !existsSync(join("/sys/fs/cgroup", controller)));
  if (missing.length > 0)
    throw new Error(`the control group controllers ${missing.join(", ")} are not mounted at /sys/fs/cgroup`);
  for (const { folder } of separate) make(join(folder, name));
}

function createUnified(folder: string, stateDir: string, name: string): void {
  const available = readWords(join(folder, "cgroup.controllers")).filter((controller) => used.has(controller));
  const missing = needed.filter((controller) => !available.includes(controller));
  if (missing.length > 0)
    throw new Error(`the control group controllers ${missing.join(", ")} are not available in ${folder}`);
  const control = join(folder, "cgroup.subtree_control");
  // The note of a start that was killed is kept: by now the controllers that it switched on are on, too.
  if (!existsSync(notesPath(stateDir)))
    writePrivate(notesPath(stateDir), JSON.stringify({ control, before: readWords(control) }));
  make(join(folder, name));
  try {
    for (const path of [control, join(folder, name, "cgroup.subtree_control")])
      writeFileSync(path, available.map((controller) => `+${controller}`).join(" "));
  } catch (error) {
    throw new Error(`the control group controllers ${available.join(", ")} cannot be switched on in ${folder}`, {
      cause: error,
    });
  }
}

function make(folder: string): void {
  try {
    if (!existsSync(folder)) mkdirSync(folder);
  } catch (error) {
    throw new Error(`the control group ${folder} cannot be made: ${String(error)}`, { cause: error });
  }
}

/** Back to the controllers that were on before: the container runtime switches on more than the kubelet asks for. */
function restoreControllers(stateDir: string): void {
  const path = notesPath(stateDir);
  if (!existsSync(path)) return;
  // The file is written only by createUnified(), as a whole.
  const { control, before } = JSON.parse(readFileSync(path, "utf8")) as { control: string; before: string[] };
  for (const controller of readWords(control).filter((name) => !before.includes(name))) {
    try {
      writeFileSync(control, `-${controller}`);
    } catch {
      // Another group has come to use it meanwhile.
    }
  }
  rmSync(path);
}

function notesPath(stateDir: string): string {
  return join(stateDir, "cluster", "cgroup.json");
}

/** @throws Error as long as a process in the group has not ended */
function endAndRemove(root: string): void {
  if (!existsSync(root)) return;
  for (const folder of foldersBelow(root))
    for (const pid of readWords(join(folder, "cgroup.procs"))) process.kill(Number(pid), "SIGKILL");
  for (const folder of foldersBelow(root)) rmdirSync(folder);
}

/** The folder and all below it, the deepest first: the order in which the kernel lets them go. */
function foldersBelow(folder: string): string[] {
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...children.flatMap((entry) => foldersBelow(join(folder, entry.name))), folder];
}

/** Mounted control groups: one tree on version 2, one for each controller on version 1. */
function hierarchies(): Hierarchy[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .flatMap(([, folder, type]) => {
      if (folder === undefined || !folder.startsWith("/sys/fs/cgroup") || (type !== "cgroup" && type !== "cgroup2"))
        return [];
      return [{ folder, version: type === "cgroup" ? 1 : 2 } as const];
    });
}

function readWords(path: string): string[] {
  return readFileSync(path, "utf8").split(/\s+/).filter(Boolean);
}
