import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { z } from "zod";
import { isAlive } from "../../../sandbox/machine/process-identity.ts";

const toldSchema = z.object({
  stateDir: z.string(),
  daemon: z.object({ pid: z.number(), startTime: z.string(), bootId: z.string() }),
});
const root = join(import.meta.dirname, "../../..");

/** A benchmark that starts a process in its state directory, tells of both, and then waits as the script says. */
function benchmark(afterwards: string): string {
  return `
    import { endAtSignals, withStateDirectory } from "${root}/bench/state-directory.ts";
    import { identify } from "${root}/sandbox/machine/process-identity.ts";
    import { runningPid, startProcess } from "${root}/sandbox/machine/process.ts";
    import { setTimeout as sleep } from "node:timers/promises";
    await endAtSignals(console.error, () =>
      withStateDirectory("test", console.error, async (stateDir) => {
        await startProcess(stateDir, { name: "daemon", command: "sleep", args: ["1013"], ready: async () => true });
        console.log(JSON.stringify({ stateDir, daemon: identify(runningPid(stateDir, "daemon")) }));
        ${afterwards}
      }),
    );`;
}

test.each([
  ["SIGINT", "await sleep(60_000);", 130],
  ["SIGTERM", "for (;;) await sleep(10);", 143],
  ["no signal", "", 0],
  ["a failure of its own", `throw new Error("it fails");`, 1],
])("a benchmark that ends by %s leaves no process and no file", async (end, afterwards, status) => {
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", benchmark(afterwards)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((done) => child.once("close", done));
  const [line] = await Promise.race([
    new Promise<[string]>((done) => createInterface(child.stdout).once("line", (text) => done([text]))),
    ended.then((code) => Promise.reject(new Error(`ended with ${code} before it told of its process`))),
  ]);
  const { stateDir, daemon } = toldSchema.parse(JSON.parse(line));
  if (end === "SIGINT" || end === "SIGTERM") child.kill(end);
  expect(await ended).toBe(status);
  expect(existsSync(stateDir)).toBe(false);
  expect(isAlive(daemon)).toBe(false);
});
