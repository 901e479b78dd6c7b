import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { openEnvironment } from "./environment.ts";
import { gitOpsHarness, type ArgoCdOwner } from "./gitops-harness.ts";

/**
 * Installs the Argo CD that files share, or removes it for a file that installs its own: a cluster has one. Either is done where
 * the file before has not done it already, so files of the same kind follow one another.
 */
export async function provideArgoCd(stateDir: string, sandbox: Sandbox, owner: ArgoCdOwner): Promise<void> {
  // A stack without a service.
  const harness = gitOpsHarness(stateDir, sandbox, "own");
  const stack = openEnvironment(harness, { name: "owner", app: "platform", services: [] });
  const installed = join(stack.engineDirectory, "installed");
  if (owner === "shared") {
    if (existsSync(installed)) return;
    await stack.run("up");
    writeFileSync(installed, "");
  } else if (existsSync(stack.engineDirectory)) {
    await stack.run("destroy");
    rmSync(stack.engineDirectory, { recursive: true });
  }
}
