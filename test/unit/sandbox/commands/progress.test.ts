import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { noteOutput, startProgress, type Report } from "../../../../sandbox/commands/progress.ts";

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "progress-test-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

function startRun(): { report: Report; lines: string[] } {
  const lines: string[] = [];
  return { report: startProgress((line) => lines.push(line)), lines };
}

const pass = (seconds: number): void => void vi.advanceTimersByTime(seconds * 1000);

describe("progress", () => {
  test("names what takes longer than ten seconds again, with how much of it is done", () => {
    const { report, lines } = startRun();
    let done = 0;
    report("first");
    pass(9);
    report("second", () => `${done} of 7 parts`);
    pass(10);
    done = 3;
    pass(10);
    expect(lines).toEqual([
      "[   0 s] first",
      "[   9 s] second",
      "[  19 s] … second: 0 of 7 parts, for 10 s",
      "[  29 s] … second: 3 of 7 parts, for 20 s",
    ]);
  });

  test("goes on with what is being done after a note", () => {
    const { report, lines } = startRun();
    report("first", () => "1 of 2");
    report("one is done", "note");
    pass(10);
    expect(lines).toEqual(["[   0 s] first", "[   0 s] one is done", "[  10 s] … first: 1 of 2, for 10 s"]);
  });

  test("names nothing again after the end", () => {
    const { report, lines } = startRun();
    report("first");
    report("all is up", "end");
    pass(60);
    expect(lines).toEqual(["[   0 s] first", "[   0 s] all is up"]);
  });

  test("is still while something else prints", () => {
    const { report, lines } = startRun();
    report("first");
    for (let second = 0; second < 30; second += 5) {
      pass(5);
      noteOutput();
    }
    expect(lines).toEqual(["[   0 s] first"]);
    pass(10);
    expect(lines).toEqual(["[   0 s] first", "[  40 s] … first, for 40 s"]);
  });

  test("says how long it took the last time, whatever numbers and paths are in the line", () => {
    mkdirSync(join(cache, "delivery-sandbox"));
    const before = startRun();
    before.report("Registry at localhost:5001 for /tmp/a");
    pass(34);
    before.report("next");
    vi.clearAllTimers();
    const { report, lines } = startRun();
    report("Registry at localhost:5002 for /tmp/b");
    pass(10);
    expect(lines.at(-1)).toBe("[  10 s] … Registry at localhost:5002 for /tmp/b, for 10 s; 34 s the last time");
  });

  test.each(["", "{", "[]", '{"first":"long"}'])("a file of durations with %j counts as none", (content) => {
    mkdirSync(join(cache, "delivery-sandbox"));
    writeFileSync(join(cache, "delivery-sandbox", "durations.json"), content);
    const { report, lines } = startRun();
    report("first");
    pass(10);
    expect(lines.at(-1)).toBe("[  10 s] … first, for 10 s");
  });
});
