import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cacheDir } from "../../sandbox/machine/cache.ts";

const repository = join(import.meta.dirname, "..", "..");
const entries = readdirSync(repository).filter((name) => !name.startsWith("."));
const execute = promisify(execFile);

/** The commands of the sandbox where nothing of it runs, in a checkout that has never been up. */
describe("without a sandbox", () => {
  let checkout: string;

  beforeAll(() => {
    checkout = mkdtempSync(join(tmpdir(), "checkout-"));
    for (const name of entries) symlinkSync(join(repository, name), join(checkout, name));
  });

  afterAll(() => {
    rmSync(checkout, { recursive: true, force: true });
  });

  test("preview shows everything as to be created, and starts nothing", async () => {
    const shown = await sandbox("preview");
    for (const name of ["api-gateway", "link", "news", "social-graph", "user"]) {
      expect(shown).toMatch(new RegExp(`\\+ +docker:index:Image ${name} create`));
    }
    expect(shown).toMatch(/\+ \d+ to create/);
    expect(existsSync(join(checkout, ".sandbox", "run"))).toBe(false);
  });

  test("status says that there is none", async () => {
    expect(await sandbox("status")).toMatch(/There is no sandbox here/);
  });

  test("down leaves nothing of what preview has written", async () => {
    await sandbox("down");
    expect(readdirSync(checkout).toSorted()).toEqual(entries.toSorted());
  });

  test("an unknown command names itself and the known ones", async () => {
    await expect(sandbox("upp")).rejects.toThrow(/"upp" is no command[^]*npm run up/);
  });

  /** Runs a command as npm does, with a HOME that has no kubeconfig. @returns what it printed */
  async function sandbox(command: string): Promise<string> {
    const env = { PATH: process.env["PATH"], HOME: checkout, XDG_CACHE_HOME: join(cacheDir(), "..") };
    const { stdout } = await execute(process.execPath, [join(repository, "sandbox", "main.ts"), command], {
      cwd: checkout,
      env,
      maxBuffer: 64 * 2 ** 20,
    });
    return stdout;
  }
});
