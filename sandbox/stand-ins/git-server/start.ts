import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../../../core/error.ts";
import { outputOf } from "../../../core/process.ts";
import { choosePort } from "../../machine/ports.ts";
import { nodeProgram, runningPid, startProcess } from "../../machine/process.ts";
import type { GitHubSettings } from "../github/host.ts";
import { writeSecretFile } from "../secrets.ts";
import { ensureRepository, removeStaleLocks, type GitRepository } from "./repositories.ts";
import type { GitUser } from "./server.ts";

interface GitServerOptions {
  /** Absolute path; the repositories are below its folder `git`. */
  stateDir: string;
  /** The requested port: used if it is free. */
  port: number;
  users: readonly GitUser[];
  /** Repositories that are to be there; others that are there stay. */
  repositories: readonly GitRepository[];
  /** The stand-in for GitHub's API, which runs in the same process. @default none */
  github?: GitHubSettings;
  /** The cluster whose Argo CD learns of every push. The file need not exist yet. */
  argoCd?: { kubeconfigPath: string; namespace: string };
}

interface GitServerEndpoint {
  /** E.g. `http://127.0.0.1:3000`. */
  url: string;
  /** URL of one repository, as `git clone` takes it. */
  repositoryUrl: (name: string) => string;
}

/** Starts the Git server: bare repositories behind Git's own HTTP backend. A running one with the same settings is kept. */
export async function startGitServer(options: GitServerOptions): Promise<GitServerEndpoint> {
  const { stateDir, users, repositories, argoCd, github } = options;
  await checkGit();
  const root = join(stateDir, "git");
  mkdirSync(root, { recursive: true, mode: 0o700 });
  if (runningPid(stateDir, "git-server") === undefined) removeStaleLocks(root);
  for (const repository of repositories) await ensureRepository(root, repository);
  const port = await choosePort(stateDir, "git-server", options.port);
  const url = `http://127.0.0.1:${port}`;
  await startProcess(stateDir, {
    name: "git-server",
    ...nodeProgram(join(import.meta.dirname, "main.ts"), [
      `--port=${port}`,
      `--root=${root}`,
      `--users=${writeSecretFile(stateDir, "git-users", JSON.stringify(users))}`,
      ...(github === undefined ? [] : [`--github=${writeSecretFile(stateDir, "github", JSON.stringify(github))}`]),
      ...(argoCd === undefined
        ? []
        : [`--kubeconfig=${argoCd.kubeconfigPath}`, `--argocd-namespace=${argoCd.namespace}`]),
    ]),
    ready: async () =>
      (await fetch(`${url}/healthz`)).ok && (github === undefined || (await fetch(`${github.url}/healthz`)).ok),
  });
  return { url, repositoryUrl: (name) => `${url}/${name}.git` };
}

/** @throws Error that says what to install */
async function checkGit(): Promise<void> {
  // Without a request the command fails where it is there, too, but for another reason.
  const reason = await outputOf("git", ["http-backend"], { env: { PATH: process.env["PATH"] } }).catch(errorMessage);
  if (!/ENOENT|not a git command/.test(reason)) return;
  throw new Error(
    `The sandbox's Git server needs Git with its command "http-backend", and there is none on PATH. Install Git (on some systems the package git-daemon, too).`,
  );
}
