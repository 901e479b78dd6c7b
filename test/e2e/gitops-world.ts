import { join } from "node:path";
import { inject } from "vitest";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { startSandbox, type Sandbox } from "../../sandbox/commands/start-sandbox.ts";
import { ensureCredentials, type Credentials } from "../../sandbox/machine/credentials.ts";
import { kubernetesClient } from "../../sandbox/machine/kubernetes-client.ts";
import { BareRepository } from "../bare-repository.ts";
import { openCircleCi, type CircleCi } from "../integration/circleci-account.ts";

/** The tests' sandbox with Git server and Argo CD, and clients that look at it past the engine and its providers. */
export interface GitOpsWorld {
  readonly stateDir: string;
  readonly sandbox: Sandbox;
  readonly credentials: Credentials;
  readonly kubernetes: KubernetesClient;
  readonly circleci: CircleCi;
  /** The deploy repository as its server has it on disk. */
  readonly repository: BareRepository;
  /** Its URL. */
  readonly repositoryUrl: string;
  /** Whether containers run, and answer requests. */
  readonly podsRun: boolean;
}

/** Finds the sandbox running, or starts it, or those of its parts that have been stopped. */
export async function enterGitOps(): Promise<GitOpsWorld> {
  const stateDir = inject("stateDir");
  const sandbox = await startSandbox({ stateDir, delivery: "gitops", report: () => undefined });
  const credentials = ensureCredentials(stateDir);
  const { circleci, deployRepository } = sandbox.targets;
  if (deployRepository === undefined) throw new Error("the sandbox has no deploy repository");
  return {
    stateDir,
    sandbox,
    credentials,
    kubernetes: kubernetesClient(sandbox.cluster.kubeconfigPath),
    circleci: openCircleCi(circleci, credentials.circleciToken, join(stateDir, "circleci.json")),
    repository: new BareRepository({ existing: join(stateDir, "git", "deploy.git") }),
    repositoryUrl: deployRepository,
    podsRun: sandbox.cluster.pods === "real",
  };
}
