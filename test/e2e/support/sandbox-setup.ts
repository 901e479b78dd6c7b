import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { stopSandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { startProgress } from "../../../sandbox/commands/progress.ts";
import { withLock } from "../../../sandbox/machine/cache.ts";

/** Beside the checkout's own sandbox and that of the integration tests, so that they never touch each other. */
const stateDir = join(import.meta.dirname, "..", "..", "..", ".sandbox-e2e");

/** Makes room for one sandbox, which the first test starts, and stops it after the last one. What a killed run has left behind goes first. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const report = startProgress();
  const release = await lockSandbox(report);
  await stopSandbox(stateDir);
  project.provide("stateDir", stateDir);
  return async () => {
    report("End-to-end tests: stopping their sandbox");
    await stopSandbox(stateDir);
    release();
  };
}

/** One run of the tests at a time. */
async function lockSandbox(report: (line: string) => void): Promise<() => void> {
  const taken = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const waiting = (owner: number): void => report(`waiting for the end-to-end tests of process ${owner}`);
  const hold = async (): Promise<void> => {
    taken.resolve();
    await released.promise;
  };
  withLock(`${stateDir}.lock`, waiting, hold).catch((error: unknown) => taken.reject(error));
  await taken.promise;
  return released.resolve;
}
