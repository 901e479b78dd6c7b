import { join } from "node:path";
import type { Sandbox } from "../sandbox/commands/start-sandbox.ts";
import { ensureCredentials } from "../sandbox/machine/credentials.ts";
import { kubernetesClient } from "../sandbox/machine/kubernetes-client.ts";
import { repositoryPath } from "../sandbox/stand-ins/git-server/repositories.ts";
import type { GitOpsHarness } from "../test/e2e/support/gitops-harness.ts";
import { BareRepository } from "../test/support/bare-repository.ts";
import { openCircleCi } from "../test/support/circleci-account.ts";

/** A sandbox that runs, as the end-to-end tests have theirs. */
export function gitOpsHarness(stateDir: string, sandbox: Sandbox): GitOpsHarness {
  const { circleci, deployRepository } = sandbox.endpoints;
  if (deployRepository === undefined) throw new Error(`${stateDir}: the sandbox has no deploy repository`);
  const credentials = ensureCredentials(stateDir);
  return {
    stateDir,
    sandbox,
    credentials,
    kubernetes: kubernetesClient(sandbox.cluster.kubeconfigPath),
    circleci: openCircleCi(circleci, credentials.circleciToken, join(stateDir, "circleci.json")),
    repository: new BareRepository({ existing: repositoryPath(join(stateDir, "git"), "deploy") }),
    repositoryUrl: deployRepository,
    podsRun: sandbox.cluster.pods === "real",
  };
}
