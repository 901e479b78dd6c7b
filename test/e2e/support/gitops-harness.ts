import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { Sandbox } from "../../../sandbox/commands/start-sandbox.ts";
import { ensureCredentials, gitUsers, type Credentials } from "../../../sandbox/machine/credentials.ts";
import { circleCiEndpoint } from "../../../sandbox/machine/endpoints.ts";
import { kubernetesClient } from "../../../sandbox/machine/kubernetes-client.ts";
import { repositoryPath } from "../../../sandbox/stand-ins/git-server/repositories.ts";
import { BareRepository } from "../../support/bare-repository.ts";
import { openCircleCi, type CircleCi } from "../../support/circleci-account.ts";

/** Whose Argo CD environments run on: one of their own, or one that several share. */
export type ArgoCdOwner = "own" | "shared";

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
  /** Whose Argo CD its environments run on. */
  readonly argoCd: ArgoCdOwner;
}

/** @param argoCd whose the environments of the harness run on: where another stack has installed it, theirs install none */
export function gitOpsHarness(stateDir: string, sandbox: Sandbox, argoCd: ArgoCdOwner): GitOpsHarness {
  const { deployRepository } = sandbox.endpoints;
  if (deployRepository === undefined) throw new Error(`${stateDir}: the sandbox has no deploy repository`);
  const credentials = ensureCredentials(stateDir);
  return {
    stateDir,
    sandbox: argoCd === "own" ? sandbox : { ...sandbox, argoCdFiles: undefined },
    credentials,
    kubernetes: kubernetesClient(sandbox.cluster.kubeconfigPath),
    // Only the tests ask for it whose pipeline it runs.
    get circleci() {
      return openCircleCi(
        circleCiEndpoint(sandbox.endpoints),
        credentials.circleciToken,
        join(stateDir, "circleci.json"),
      );
    },
    repository: new BareRepository({ existing: repositoryPath(join(stateDir, "git"), "deploy") }),
    repositoryUrl: deployRepository,
    podsRun: sandbox.cluster.pods === "real",
    argoCd,
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
