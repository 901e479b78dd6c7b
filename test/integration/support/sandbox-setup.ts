import { createServer, type Server } from "node:net";
import type { TestProject } from "vitest/node";
import { startSandbox, stopSandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { startProgress } from "../../../sandbox/commands/progress.ts";
import { takeLock } from "../../../sandbox/machine/cache.ts";
import { sandboxDirectories } from "../../support/sandbox-directories.ts";
import { requestedPorts } from "./requested-ports.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The state directory of the sandbox that all integration tests share. */
    stateDir: string;
  }
}

const stateDir = sandboxDirectories.integration;

/**
 * Starts one sandbox for all integration tests while the ports that it wants are taken, and stops it after the last one.
 * What a killed run has left behind goes first.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const report = startProgress();
  // One run of the tests at a time.
  const lock = await takeLock(`${stateDir}.lock`, {
    onWait: (owner) => report(`waiting for the integration tests of process ${owner}`),
  });
  const stop = async (): Promise<void> => {
    report("Integration tests: stopping their sandbox");
    await stopSandbox(stateDir);
    lock[Symbol.dispose]();
  };
  try {
    await stopSandbox(stateDir);
    const squatters = await Promise.all(requestedPorts().map(occupy));
    const sandbox = await startSandbox({ stateDir, delivery: "direct", report });
    for (const squatter of squatters) squatter?.close();
    report(`Integration tests: their sandbox runs in ${stateDir}, pods are ${sandbox.cluster.pods}`, "end");
    project.provide("stateDir", stateDir);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** `undefined`: somebody else has it already, which serves as well. */
function occupy(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
