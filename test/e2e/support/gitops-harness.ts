import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { inject } from "vitest";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { startSandbox, type Sandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { ensureCredentials, gitUsers, type Credentials } from "../../../sandbox/machine/credentials.ts";
import { kubernetesClient } from "../../../sandbox/machine/kubernetes-client.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { openCircleCi, type CircleCi } from "../../support/circleci-account.ts";
import { explainFailuresWith } from "../../support/eventually.ts";
import { diagnose } from "./cluster-diagnosis.ts";

/** The tests' sandbox with Git server and Argo CD, and clients that look at it past the engine and its providers. */
export interface GitOpsHarness {
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
export async function enterGitOps(): Promise<GitOpsHarness> {
  const stateDir = inject("stateDir");
  const sandbox = await startSandbox({ stateDir, delivery: "gitops", report: () => undefined });
  const credentials = ensureCredentials(stateDir);
  const kubernetes = kubernetesClient(sandbox.cluster.kubeconfigPath);
  explainFailuresWith(() => diagnose(kubernetes));
  const { circleci, deployRepository } = sandbox.endpoints;
  if (deployRepository === undefined) throw new Error("the sandbox has no deploy repository");
  return {
    stateDir,
    sandbox,
    credentials,
    kubernetes,
    circleci: openCircleCi(circleci, credentials.circleciToken, join(stateDir, "circleci.json")),
    repository: new BareRepository({ existing: join(stateDir, "git", "deploy.git") }),
    repositoryUrl: deployRepository,
    podsRun: sandbox.cluster.pods === "real",
  };
}

/**
 * Commits to a copy of the deploy repository and runs `git push`, as people do.
 * @param files path → content; `undefined` removes a file
 * @returns the commit
 */
export function pushToDeployRepository(
  { repository, repositoryUrl, credentials }: GitOpsHarness,
  files: Readonly<Record<string, string | undefined>>,
  branch = "main",
): string {
  using copy = new BareRepository({ copyOf: repository });
  const commit = copy.commit(files, "by hand", branch);
  const login = Buffer.from(`${gitUsers.writer}:${credentials.gitWriteToken}`).toString("base64");
  const header = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${login}`,
  };
  execFileSync("git", ["--git-dir", copy.path, "push", "--quiet", repositoryUrl, branch], {
    env: { ...process.env, ...header },
    stdio: "pipe",
  });
  return commit;
}
