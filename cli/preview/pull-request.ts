import { UsageError } from "../command.ts";
import type { GitHub } from "../github/github.ts";

/**
 * The pull request that a preview is for: as the command line says, or CircleCI's variables, or GitHub by commit and branch.
 * @returns `undefined`: there is none open
 */
export async function findPullRequest(
  github: Pick<GitHub, "openPullRequestsFor">,
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number | undefined> {
  if (given !== undefined && given !== "" && given !== "0") {
    if (/^[1-9]\d*$/.test(given)) return Number(given);
    throw new UsageError(`--pull-request ${JSON.stringify(given)} is not the number of a pull request`);
  }
  const { CIRCLE_PULL_REQUEST: url, CIRCLE_SHA1: sha, CIRCLE_BRANCH: branch } = environment;
  const number = /\/pull\/(\d+)$/.exec(url ?? "")?.[1];
  if (number !== undefined) return Number(number);
  const found = sha === undefined || sha === "" ? [] : await github.openPullRequestsFor({ sha });
  // One that is stacked on another has its commits, too.
  const own = found.find(({ head }) => head.sha === sha) ?? found[0];
  if (own !== undefined) return own.number;
  return branch === undefined || branch === "" ? undefined : (await github.openPullRequestsFor({ branch }))[0]?.number;
}
