import { join } from "node:path";
import type { Credentials } from "./credentials.ts";
import { startGitServer } from "./git-server/start.ts";

/** Who uses the deploy repository: the program and the delivery CLI write, Argo CD reads. */
export const gitUsers = { writer: "delivery", reader: "argocd" } as const;

/**
 * Starts the Git server with the deploy repository on it.
 * @returns the repository's URL
 */
export async function startDeployGit(options: {
  stateDir: string;
  port: number;
  credentials: Credentials;
  argoCdNamespace: string;
}): Promise<string> {
  const { stateDir, port, credentials, argoCdNamespace } = options;
  const { repositoryUrl } = await startGitServer({
    stateDir,
    port,
    users: [
      { name: gitUsers.writer, token: credentials.gitWriteToken, access: "write" },
      { name: gitUsers.reader, token: credentials.gitReadToken, access: "read" },
    ],
    repositories: [{ name: "deploy" }],
    argoCd: { kubeconfigPath: join(stateDir, "kubeconfig"), namespace: argoCdNamespace },
  });
  return repositoryUrl("deploy");
}
