import { inject } from "vitest";
import { startSandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { explainFailuresWith } from "../../support/eventually.ts";
import { diagnose } from "./cluster-diagnosis.ts";
import { gitOpsHarness, type ArgoCdOwner, type GitOpsHarness } from "./gitops-harness.ts";
import { provideArgoCd } from "./shared-argo-cd.ts";

/**
 * Finds the sandbox running, or starts it, or those of its parts that have been stopped.
 * @param options.argoCd shared by the files in `shared-argo-cd/`, which do not care about its installation
 */
export async function enterGitOps({ argoCd = "own" }: { argoCd?: ArgoCdOwner } = {}): Promise<GitOpsHarness> {
  const stateDir = inject("stateDir");
  const sandbox = await startSandbox({ stateDir, delivery: "gitops", report: () => undefined });
  const harness = gitOpsHarness(stateDir, sandbox, argoCd);
  explainFailuresWith(() => diagnose(harness.kubernetes));
  await provideArgoCd(stateDir, sandbox, argoCd);
  return harness;
}
