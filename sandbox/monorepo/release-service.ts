import { join } from "node:path";
import { runProcess } from "../../core/process.ts";
import type { DeployBranch } from "../../git/deploy-branch.ts";
import { readBranch } from "../../git/deploy-repository.ts";
import { readRecords, type Records } from "../../git/records.ts";
import { ensureCredentials, gitUsers } from "../machine/credentials.ts";
import type { SandboxEndpoints } from "../machine/endpoints.ts";
import { buildProblem } from "./build-services.ts";
import { programDirectory } from "./import.ts";

/** The sandbox's environment, which is also its directory in the deploy repository. */
export const sandboxEnvironment = "sandbox";

/** What runs of each service, as the deploy repository says. */
export function releaseRecords(deploy: DeployBranch): Promise<Records> {
  return readBranch(deploy, (snapshot) => readRecords(snapshot, sandboxEnvironment));
}

/** How long Argo CD may take to start a migration: one that waits for a database that is not there never starts. */
const migrationWait = "2m";

/**
 * Has Argo CD run an image, by `delivery release`, once its migrations have succeeded.
 * @param commit the one in the source repository
 * @returns why it is not released; `undefined`: it is
 */
export async function releaseService(
  stateDir: string,
  { kubeconfigPath }: SandboxEndpoints,
  { service, digest, commit }: { readonly service: string; readonly digest: string; readonly commit: string },
): Promise<string | undefined> {
  const command = [join(import.meta.dirname, "../../cli/delivery.js"), "release", "--env", sandboxEnvironment];
  const options = ["--service", `${service}=${digest}`, "--source-commit", commit, "--unverified"];
  const { code, stderr } = await runProcess(
    process.execPath,
    [...command, ...options, "--migration-wait", migrationWait],
    {
      cwd: programDirectory(stateDir),
      env: {
        ...process.env,
        KUBECONFIG: kubeconfigPath,
        DELIVERY_KUBECONFIG: undefined,
        DELIVERY_GIT_USERNAME: gitUsers.writer,
        DELIVERY_GIT_TOKEN: ensureCredentials(stateDir).gitWriteToken,
      },
    },
  );
  return code === 0 ? undefined : buildProblem(stderr.toString().split("\n"));
}
