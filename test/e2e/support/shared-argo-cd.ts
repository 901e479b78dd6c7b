import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { openEnvironment } from "./environment.ts";
import { gitOpsHarness } from "./gitops-harness.ts";

/**
 * Installs Argo CD by a stack of its own, as a platform team has one. The files in `shared-argo-cd/` do not care about its
 * installation: the first one makes it, and it goes with their sandbox.
 */
export async function installSharedArgoCd(stateDir: string, sandbox: Sandbox): Promise<void> {
  const harness = gitOpsHarness(stateDir, sandbox, "own");
  const stack = openEnvironment(harness, { name: "owner", app: "platform", services: ["portal"] });
  const installed = join(stack.engineDirectory, "installed");
  if (existsSync(installed)) return;
  await stack.run("up");
  writeFileSync(installed, "");
}
