import { dirname } from "node:path";
import type { Step } from "../config/step-schema.ts";
import { storeFiles } from "./artifacts.ts";
import { restoreCache, saveCache } from "./cache.ts";
import { checkOut } from "./checkout.ts";
import type { JobWorld, Print, StepEnd } from "./job-world.ts";
import { runStep } from "./run-step.ts";
import { attachWorkspace, persistToWorkspace } from "./workspace.ts";

/** BuildKit, as a job gets it by `setup_remote_docker`. */
export interface RemoteDocker {
  /** Path of its client. */
  buildctl: string;
  /** For BUILDKIT_HOST. */
  address: string;
}

/** Starts BuildKit if it does not run; `undefined`: this CircleCI has none. */
export type StartRemoteDocker = () => Promise<RemoteDocker | undefined>;

/** Runs one step of a job. A rejection fails the step with its message. */
export function performStep(
  world: JobWorld,
  step: Step,
  startRemoteDocker: StartRemoteDocker,
  print: Print,
): Promise<StepEnd> {
  switch (step.type) {
    case "run":
      return runStep(world, step, print);
    case "checkout":
      return checkOut(world, step.path, print);
    case "setup_remote_docker":
      return setupRemoteDocker(world, startRemoteDocker, print);
    case "persist_to_workspace":
      return persistToWorkspace(world, step, print);
    case "attach_workspace":
      return attachWorkspace(world, step.at, print);
    case "save_cache":
      return saveCache(world, step, print);
    case "restore_cache":
      return restoreCache(world, step, print);
    case "store_artifacts":
      return storeFiles(world, "artifacts", step, print);
    case "store_test_results":
      return storeFiles(world, "test-results", step, print);
  }
}

/** Whether a step's turn comes, after what has happened before it in the job. */
export function isDue(step: Step, hasFailed: boolean): boolean {
  if (step.type === "store_artifacts" || step.type === "store_test_results") return true;
  const when = "when" in step ? step.when : "on_success";
  return when === "always" || hasFailed === (when === "on_fail");
}

/** BuildKit in place of a Docker daemon: its client finds it by BUILDKIT_HOST. */
async function setupRemoteDocker(world: JobWorld, start: StartRemoteDocker, print: Print): Promise<StepEnd> {
  const remoteDocker = await start();
  if (remoteDocker === undefined) {
    print("This CircleCI was started without BuildKit.\n");
    return { status: "infrastructure_fail" };
  }
  const { buildctl, address } = remoteDocker;
  Object.assign(world.environment, {
    BUILDKIT_HOST: address,
    PATH: `${dirname(buildctl)}:${world.environment["PATH"] ?? ""}`,
  });
  print(`BuildKit at ${address}\n`);
  return { status: "success" };
}
