import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../core/atomic-file.ts";
import { cacheDir } from "../machine/cache.ts";

/**
 * Says what is being done; `done` is asked how much of it is, whenever it takes long. After a line with `end` nothing is, and one
 * with `note` belongs to what is being done already.
 */
export type Report = (line: string, done?: (() => string) | "end" | "note") => void;

/** Nothing is silent for longer. */
const quietMilliseconds = 10_000;

interface Step {
  readonly line: string;
  readonly since: number;
  readonly done: (() => string) | undefined;
}

/** When anything was printed last, by whomever: a heartbeat is needed only in silence. */
const output = { at: 0 };

/** Tells that something was printed that is none of these lines. */
export function noteOutput(): void {
  output.at = Date.now();
}

/** Prints lines that are no progress. */
export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) noteOutput();
  for (const line of lines) console.log(line);
}

/**
 * Prints lines of progress, each with the seconds since this call, so that one sees what takes long. What takes longer than
 * ten seconds is named again, with how much of it is done and how long it took the last time.
 *
 * @param print takes a line. @default standard output
 */
export function startProgress(print: (line: string) => void = (line) => console.log(line)): Report {
  const start = Date.now();
  const file = join(cacheDir(), "durations.json");
  const durations = readDurations(file);
  const state: { step: Step | undefined } = { step: undefined };
  const write = (line: string): void => {
    noteOutput();
    print(`[${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s] ${line}`);
  };
  const end = (step: Step | undefined): void => {
    if (step === undefined || Date.now() - step.since < quietMilliseconds) return;
    durations.set(keyOf(step.line), Math.round((Date.now() - step.since) / 1000));
    writeDurations(file, durations);
  };
  const beat = (): void => {
    if (state.step !== undefined && Date.now() - output.at >= quietMilliseconds)
      write(heartbeat(state.step, durations.get(keyOf(state.step.line))));
  };
  // It alone keeps no process alive.
  setInterval(beat, 1000).unref();
  return (line, done) => {
    if (done === "note") return write(line);
    end(state.step);
    state.step = done === "end" ? undefined : { line, since: Date.now(), done };
    write(line);
  };
}

function heartbeat({ line, since, done }: Step, lastTime: number | undefined): string {
  const seconds = Math.round((Date.now() - since) / 1000);
  const amount = done === undefined ? "" : `: ${done()}`;
  return `… ${line}${amount}, for ${seconds} s${lastTime === undefined ? "" : `; ${lastTime} s the last time`}`;
}

/** Numbers and paths differ from run to run. */
function keyOf(line: string): string {
  return line.replaceAll(/\/\S+|\d+/g, "#");
}

const durationsSchema = z.record(z.string(), z.number());

function readDurations(file: string): Map<string, number> {
  if (!existsSync(file)) return new Map();
  try {
    return new Map(Object.entries(durationsSchema.parse(JSON.parse(readFileSync(file, "utf8")))));
  } catch {
    // Another version's, or cut off: the next run has none to compare with.
    return new Map();
  }
}

/** More than a sandbox has steps; the oldest go. */
const keptDurations = 200;

function writeDurations(file: string, durations: ReadonlyMap<string, number>): void {
  // The cache may have been removed by what ends now.
  if (!existsSync(dirname(file))) return;
  writeFileAtomically(file, JSON.stringify(Object.fromEntries([...durations].slice(-keptDurations))));
}
