import { inject } from "vitest";
import { startSandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { explainFailuresWith } from "../../support/eventually.ts";
import { diagnose } from "./cluster-diagnosis.ts";
import { gitOpsHarness, type GitOpsHarness } from "./gitops-harness.ts";
import { installSharedArgoCd } from "./shared-argo-cd.ts";

/** Finds the sandbox running, or starts it, or those of its parts that have been stopped. */
export async function enterGitOps(): Promise<GitOpsHarness> {
  const stateDir = inject("stateDir");
  const argoCd = inject("argoCd");
  const sandbox = await startSandbox({ stateDir, delivery: "gitops", report: () => undefined });
  const harness = gitOpsHarness(stateDir, sandbox, argoCd);
  explainFailuresWith(() => diagnose(harness.kubernetes));
  if (argoCd === "shared") await installSharedArgoCd(stateDir, sandbox);
  return harness;
}
