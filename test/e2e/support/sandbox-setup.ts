import type { TestProject } from "vitest/node";
import { stopSandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { startProgress } from "../../../sandbox/commands/progress.ts";
import { takeLock } from "../../../sandbox/machine/cache.ts";
import { sandboxDirectories } from "../../support/sandbox-directories.ts";
import { stopFurtherCluster } from "./further-cluster.ts";
import type { ArgoCdOwner } from "./gitops-harness.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Whose Argo CD the environments of the project's tests run on. */
    argoCd: ArgoCdOwner;
  }
}

/** Makes room for one sandbox, which the first test starts, and stops it after the last one. What a killed run has left behind goes first. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const report = startProgress();
  const shares = project.name === "shared-argo-cd";
  const stateDir = sandboxDirectories[shares ? "shared-argo-cd" : "e2e"];
  // One run of the tests at a time.
  const lock = await takeLock(`${stateDir}.lock`, {
    onWait: (owner) => report(`waiting for the end-to-end tests of process ${owner}`),
  });
  await stopFurtherCluster(stateDir);
  await stopSandbox(stateDir);
  project.provide("stateDir", stateDir);
  project.provide("argoCd", shares ? "shared" : "own");
  return async () => {
    report("End-to-end tests: stopping their sandbox");
    await stopFurtherCluster(stateDir);
    await stopSandbox(stateDir);
    lock[Symbol.dispose]();
  };
}
