import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { down } from "../sandbox/commands/down.ts";
import { up } from "../sandbox/commands/up.ts";
import { listProcesses } from "../sandbox/machine/process.ts";
import type { Figure } from "./figure.ts";

/** How long `up` takes from nothing running, and what the sandbox takes of memory and, cold, of the disk. */
export async function benchSandbox(report: (line: string) => void, cold: boolean): Promise<Figure[]> {
  const figures: Figure[] = [];
  if (cold) {
    const cache = mkdtempSync(join(tmpdir(), "delivery-bench-cache-"));
    process.env["XDG_CACHE_HOME"] = cache;
    try {
      const { seconds } = await timedUp(report);
      figures.push({ name: "up, cold: tools built from nothing", value: seconds / 60, unit: "min", limit: 18 });
      figures.push({ name: "disk that the cache takes", value: kilobytes(cache) / 1e6, unit: "GB", limit: 1.5 });
    } finally {
      delete process.env["XDG_CACHE_HOME"];
      rmSync(cache, { recursive: true, force: true });
    }
  }
  // The second of two runs finds tools, base images and image layers in the cache.
  await timedUp(report);
  return [...figures, ...warmFigures(await timedUp(report))];
}

/** What `up` of one sandbox takes. */
interface UpTaken {
  readonly seconds: number;
  readonly mebibytes: number;
}

function warmFigures({ seconds, mebibytes }: UpTaken): Figure[] {
  return [
    { name: "up, warm, from nothing running", value: seconds, unit: "s", limit: 60 },
    { name: "memory of all processes", value: mebibytes, unit: "MiB", limit: 2048 },
  ];
}

async function timedUp(report: (line: string) => void): Promise<UpTaken> {
  const stateDir = mkdtempSync(join(tmpdir(), "delivery-bench-state-"));
  try {
    return await measureUp(stateDir, report);
  } finally {
    await down({ stateDir, purge: false, report });
  }
}

/** Measures the figures that `up` of a sandbox has, which is left running. */
export async function benchUp(stateDir: string, report: (line: string) => void): Promise<Figure[]> {
  return warmFigures(await measureUp(stateDir, report));
}

async function measureUp(stateDir: string, report: (line: string) => void): Promise<UpTaken> {
  const start = performance.now();
  await up({ stateDir, pods: "auto", report });
  const seconds = (performance.now() - start) / 1000;
  const bytes = listProcesses(stateDir).reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  return { seconds, mebibytes: bytes / 2 ** 20 };
}

function kilobytes(directory: string): number {
  return Number(spawnSync("du", ["-sk", directory]).stdout.toString().split("\t")[0]);
}
