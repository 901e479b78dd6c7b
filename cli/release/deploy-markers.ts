import { errorMessage, hasErrorCode } from "../../core/error.ts";
import { runProcess } from "../../core/process.ts";
import { CommandError, type CommandContext } from "../command.ts";

/** The option with which jobs of CircleCI list what they have done. */
export const deployMarkerOptions = {
  "deploy-markers": {
    help: `in a job of CircleCI: list among its deploys what has come of each service, once that is known. What cannot be
      listed is said, and is no failure: what runs is what Git says`,
  },
} as const;

/** A deploy as CircleCI lists it. */
export interface DeployMarker {
  readonly service: string;
  readonly digest: string;
  /** The commit of the monorepo that the image was built from; its version there. @default the digest is */
  readonly sourceCommit?: string | undefined;
  /** Why it has failed. @default it has not */
  readonly failure?: string | undefined;
}

/** What of a release is known to be deployed: what has yet to prove itself is listed by `verify`. */
export function deployed(
  released: readonly (DeployMarker & { readonly verification?: { readonly state: string } | undefined })[],
): readonly DeployMarker[] {
  return released.filter(({ verification }) => verification?.state !== "pending");
}

/**
 * Lists deploys at CircleCI, one by one: its agent in the job does it, which knows the job, and needs no token.
 * Source: https://circleci.com/docs/guides/deploy/configure-deploy-markers/
 */
export async function listDeploys(
  environment: string,
  markers: readonly DeployMarker[],
  { environment: variables, signal, note }: Pick<CommandContext, "environment" | "signal" | "note">,
  isRollback = false,
): Promise<void> {
  const release = async (...args: string[]): Promise<void> => {
    const options = { env: variables, signal, timeoutSeconds: 30 };
    const { code, stderr } = await runProcess("circleci", ["run", "release", ...args], options);
    if (code !== 0) throw new CommandError(stderr.toString().trim() || `circleci ended with ${code}`);
  };
  for (const { service, digest, sourceCommit, failure } of markers) {
    const plan = `${environment}-${service}${isRollback ? "-rollback" : ""}`;
    const about = [
      `--environment-name=${environment}`,
      `--component-name=${service}`,
      `--target-version=${sourceCommit ?? digest}`,
    ];
    const ending = failure === undefined ? ["--status=SUCCESS"] : ["--status=FAILED", `--failure-reason=${failure}`];
    try {
      await release("plan", plan, ...about, ...(isRollback ? ["--rollback"] : []));
      await release("update", plan, ...ending);
    } catch (error) {
      if (signal.aborted) throw error;
      if (hasErrorCode(error, "ENOENT"))
        return note(
          "CircleCI does not list it among its deploys: there is no command circleci, so this is no job of its",
        );
      note(`CircleCI does not list ${service} among its deploys: ${errorMessage(error)}`);
    }
  }
}
