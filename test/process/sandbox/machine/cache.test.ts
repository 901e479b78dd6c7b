import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cached, cacheDir, takeLock, withLock } from "../../../../sandbox/machine/cache.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cache-test-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

describe("cacheDir", () => {
  test("follows XDG_CACHE_HOME", () => {
    vi.stubEnv("XDG_CACHE_HOME", "/somewhere/cache");
    expect(cacheDir()).toBe("/somewhere/cache/delivery-sandbox");
  });

  test("ignores a relative XDG_CACHE_HOME, as the XDG specification asks", () => {
    vi.stubEnv("XDG_CACHE_HOME", "cache");
    vi.stubEnv("HOME", "/home/somebody");
    expect(cacheDir()).toBe("/home/somebody/.cache/delivery-sandbox");
  });
});

describe("cached", () => {
  test("makes an entry once, also when asked for it twice at the same time", async () => {
    const make = vi.fn<(path: string) => Promise<void>>(async (path) => writeFileSync(join(path, "content"), "made"));
    const path = join(folder, "entries", "a");
    await Promise.all([cached(path, make), cached(path, make)]);
    await cached(path, make);
    expect(readFileSync(join(path, "content"), "utf8")).toBe("made");
    expect(make.mock.calls.length).toBeLessThanOrEqual(2);
    expect(readdirSync(join(folder, "entries"))).toEqual(["a"]);
  });

  test("leaves nothing behind when making fails", async () => {
    const failing = cached(join(folder, "a"), async (path) => {
      writeFileSync(join(path, "half"), "");
      throw new Error("no network");
    });
    await expect(failing).rejects.toThrow("no network");
    expect(readdirSync(folder)).toEqual([]);
  });
});

const lock = (): string => join(folder, "lock");
const ignore = (): void => undefined;

describe("withLock", () => {
  test("lets one worker in at a time", async () => {
    let inside = 0;
    const worker = (): Promise<void> =>
      withLock(lock(), ignore, async () => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 20));
        inside -= 1;
      });
    await Promise.all([worker(), worker(), worker()]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("takes over from an owner that has died", async () => {
    // The id belongs to this process, the start time does not: so its owner is gone and the id was given out anew.
    writeFileSync(lock(), JSON.stringify({ pid: process.pid, startTime: "1", bootId: "of another boot" }));
    expect(await withLock(lock(), ignore, async () => "done")).toBe("done");
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is released when the work fails", async () => {
    await expect(withLock(lock(), ignore, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(existsSync(lock())).toBe(false);
  });

  test("tells whose end it waits for", async () => {
    const waiting = vi.fn<(owner: number, seconds: number) => void>();
    mkdirSync(folder, { recursive: true });
    await Promise.all([
      withLock(lock(), ignore, () => new Promise((resolve) => setTimeout(resolve, 20))),
      withLock(lock(), waiting, async () => undefined),
    ]);
    expect(waiting).toHaveBeenCalledExactlyOnceWith(process.pid, 0);
  });
});

test("takeLock waits no longer than its signal lets it, and leaves nothing behind", async () => {
  using held = await takeLock(lock(), { onWait: ignore });
  await expect(takeLock(lock(), { onWait: ignore, signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
    "enough",
  );
  held[Symbol.dispose]();
  expect(readdirSync(folder)).toEqual([]);
});
