import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cacheDir, purgeCache } from "../../../../sandbox/machine/cache.ts";
import { continueRemovals, removeLater } from "../../../../sandbox/machine/removal.ts";
import { eventually } from "../../../support/eventually.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "removal-test-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
  mkdirSync(join(cacheDir(), "building", "deep"), { recursive: true });
  writeFileSync(join(cacheDir(), "building", "deep", "file"), "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const untilEmpty = (): Promise<unknown> =>
  eventually("nothing is left of what was removed", () => Promise.resolve(readdirSync(cacheDir()).length === 0));

test("a removed folder is gone from its place at once, and then from the disk", async () => {
  removeLater(join(cacheDir(), "building"));
  expect(existsSync(join(cacheDir(), "building"))).toBe(false);
  await untilEmpty();
});

test("what a killed removal has left is removed by the next", async () => {
  mkdirSync(join(cacheDir(), "removed", "of-a-killed-process", "deep"), { recursive: true });
  rmSync(join(cacheDir(), "building"), { recursive: true });
  continueRemovals();
  await untilEmpty();
});

test("a folder that is not there is no error, and neither is a cache", async () => {
  removeLater(join(cacheDir(), "other"));
  rmSync(cacheDir(), { recursive: true });
  continueRemovals();
  expect(existsSync(cacheDir())).toBe(false);
});

test("the whole cache can be removed meanwhile", async () => {
  for (let index = 0; index < 300; index++) {
    mkdirSync(join(cacheDir(), "building", String(index)));
    writeFileSync(join(cacheDir(), "building", String(index), "file"), "");
  }
  removeLater(join(cacheDir(), "building"));
  await purgeCache();
  expect(existsSync(cacheDir())).toBe(false);
});
