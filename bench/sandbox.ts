import { spawn, spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { Report } from "../sandbox/commands/progress.ts";
import { median, type Figure } from "./figure.ts";
import { interruption, withStateDirectory } from "./state-directory.ts";

/** What the sandbox takes; with a peer, another checkout of this repository such as an earlier commit, against that. */
export interface SandboxBenchmark {
  readonly report: Report;
  /** Whether all tools are built from nothing, too, which takes minutes. */
  readonly cold: boolean;
  /** Directory of the other checkout, with its npm packages. */
  readonly peer?: string | undefined;
  /** @default 5 */
  readonly rounds?: number;
}

/** What is measured of one checkout, each time it is. */
interface Taken {
  readonly first: number[];
  readonly second: number[];
  readonly mebibytes: number[];
  readonly cold: number[];
  readonly gigabytes: number[];
}

/** What of {@link Taken} has a limit, in itself and against a peer. */
const measures: Readonly<Record<keyof Taken, { name: string; unit: string; limit: number; ratio: number }>> = {
  first: { name: "up, warm, from nothing running", unit: "s", limit: 60, ratio: 1 },
  second: { name: "up, warm, second run, nothing to change", unit: "s", limit: 20, ratio: 0.6 },
  mebibytes: { name: "memory of all processes", unit: "MiB", limit: 1536, ratio: 0.75 },
  cold: { name: "up, cold: tools built from nothing", unit: "min", limit: 12, ratio: 0.6 },
  gigabytes: { name: "disk at its peak, cold", unit: "GB", limit: 6, ratio: 0.6 },
};

/** In turns, so that other load on the machine is shared by both; the first turn only fills caches. */
export async function benchSandbox({ report, cold, peer, rounds = 5 }: SandboxBenchmark): Promise<Figure[]> {
  const checkouts = [process.cwd(), ...(peer === undefined ? [] : [resolve(peer)])];
  const taken = checkouts.map((): Taken => ({ first: [], second: [], mebibytes: [], cold: [], gigabytes: [] }));
  for (let round = 0; round <= rounds; round++) {
    for (const [index, checkout] of checkouts.entries()) {
      const { first, second, mebibytes } = await takenBy(checkout, report);
      report(
        `${checkout}, round ${round} of ${rounds}: up ${first.toFixed(1)} s, again ${second.toFixed(1)} s, ${mebibytes.toFixed(0)} MiB`,
      );
      if (round === 0) continue;
      taken[index]?.first.push(first);
      taken[index]?.second.push(second);
      taken[index]?.mebibytes.push(mebibytes);
    }
  }
  if (cold) {
    for (const [index, checkout] of checkouts.entries()) {
      const { minutes, gigabytes } = await takenCold(checkout, report);
      report(`${checkout}, cold: ${minutes.toFixed(1)} min, ${gigabytes.toFixed(1)} GB at the peak`);
      taken[index]?.cold.push(minutes);
      taken[index]?.gigabytes.push(gigabytes);
    }
  }
  const [own, other] = taken;
  return own === undefined ? [] : figuresOf(own, other, report);
}

function figuresOf(own: Taken, peer: Taken | undefined, report: Report): Figure[] {
  // The keys are those of the table.
  return (Object.keys(measures) as (keyof Taken)[]).flatMap((key) => {
    const { name, unit, limit, ratio } = measures[key];
    const value = median(own[key]);
    if (Number.isNaN(value)) return [];
    report(`${name}: ${spread(own[key], unit)}${peer === undefined ? "" : `; the peer ${spread(peer[key], unit)}`}`);
    const figure = { name, value, unit, limit };
    return peer === undefined
      ? [figure]
      : [figure, { name: `${name} / the peer`, value: value / median(peer[key]), unit: "×", limit: ratio }];
  });
}

function spread(values: readonly number[], unit: string): string {
  const range = [Math.min(...values), median(values), Math.max(...values)].map((value) => value.toFixed(1));
  return `${range.join(" … ")} ${unit}`;
}

function takenBy(checkout: string, report: Report): Promise<{ first: number; second: number; mebibytes: number }> {
  return withStateDirectory("sandbox", report, async (stateDir) => {
    try {
      const first = await timed(() => runOnce("up", checkout, stateDir));
      const second = await timed(() => runOnce("up", checkout, stateDir));
      const mebibytes = Number(await runOnce("memory", checkout, stateDir)) / 2 ** 20;
      return { first, second, mebibytes };
    } finally {
      await runOnce("down", checkout, stateDir);
    }
  });
}

/** How often the disk is looked at: counting hundreds of thousands of files takes a while itself. */
const diskMilliseconds = 15_000;

function takenCold(checkout: string, report: Report): Promise<{ minutes: number; gigabytes: number }> {
  return withStateDirectory("cache", report, (cache) =>
    withStateDirectory("sandbox", report, async (stateDir) => {
      const environment = { XDG_CACHE_HOME: cache };
      const peak = { gigabytes: 0 };
      const measureDisk = async (): Promise<void> => {
        const child = spawn("nice", ["-n", "19", "du", "-sk", cache], { stdio: ["ignore", "pipe", "ignore"] });
        const kilobytes = Number((await text(child.stdout)).split("\t")[0]);
        peak.gigabytes = Math.max(peak.gigabytes, kilobytes / 1e6);
      };
      const look = setInterval(() => void measureDisk(), diskMilliseconds);
      try {
        const seconds = await timed(() => runOnce("up", checkout, stateDir, environment));
        return { minutes: seconds / 60, gigabytes: peak.gigabytes };
      } finally {
        clearInterval(look);
        await runOnce("down", checkout, stateDir, environment);

        spawnSync("rm", ["-rf", cache]);
      }
    }),
  );
}

/** @returns what it prints */
async function runOnce(
  action: "up" | "down" | "memory",
  checkout: string,
  stateDir: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const script = join(import.meta.dirname, "sandbox-once.ts");
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [script, action, checkout, stateDir], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    signal: interruption,
  });
  const ended = new Promise<number | null>((done, fail) => child.once("close", done).once("error", fail));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${action} of ${checkout} fails:\n${errors.split("\n").slice(-20).join("\n")}`);
  return output;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
