import type { OutputMap } from "@pulumi/pulumi/automation/index.js";
import { withProblems } from "./engine-failure.ts";
import { noteSourceCommit } from "./first-records.ts";
import { recover } from "./recovery.ts";
import { watchRegistry } from "./registry-watch.ts";
import { startSandbox } from "./sandbox.ts";
import { seedSourceRepository } from "./source-repository.ts";
import { openSandboxStack } from "./stack.ts";
import { terminalOutput } from "./terminal.ts";
import { summarize } from "./summary.ts";
import { saveTargets } from "./targets.ts";

export interface UpOptions {
  stateDir: string;
  /** `simulated`: no pods run, whatever the machine allows. */
  pods: "auto" | "simulated";
  report: (line: string) => void;
}

/**
 * Starts the sandbox and makes its stack so; what is there already stays.
 * @returns the stack's outputs
 */
export async function up({ stateDir, pods, report }: UpOptions): Promise<OutputMap> {
  const sandbox = await startSandbox({ stateDir, pods, report });
  saveTargets(stateDir, sandbox.targets);
  await using open = await openSandboxStack({ ...sandbox, stateDir, report });
  await recover(open.stack, stateDir, report);
  report("Pulumi: updating the stack");
  await withProblems((watch) =>
    open.stack.up({
      ...watch,
      ...terminalOutput(),
    }),
  );
  await watchRegistry(stateDir, sandbox.targets, report);
  const imported = await seedSourceRepository(stateDir, sandbox.targets, report);
  if (imported !== undefined) await noteSourceCommit(stateDir, sandbox.targets, imported.commit);
  report("The pipeline is up");
  const outputs = await open.stack.outputs();
  await summarize(outputs, sandbox);
  return outputs;
}
