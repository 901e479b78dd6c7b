import { z } from "zod";
import { NotReachableError, rootMessage } from "../../core/error.ts";
import { parsedJson } from "../../core/json.ts";
import type { CiState } from "./ci-status.ts";
import type { State } from "./model.ts";

/** The environment variable with the token for Travis CI's API. */
export const travisTokenVariable = "TRAVIS_TOKEN";

export interface TravisLocation {
  /** @default Travis CI's own */
  readonly api?: string | undefined;
  /** The monorepo on GitHub, as owner/name. */
  readonly repository: string | undefined;
  /** The branch whose builds deliver. */
  readonly branch: string | undefined;
  /** `undefined`: nobody has given one, so that only public repositories can be seen. */
  readonly token: string | undefined;
}

const buildsSchema = z.object({ builds: z.array(z.object({ number: z.string(), state: z.string() })) });

/** Source: https://developer.travis-ci.com/resource/build */
const states: Readonly<Record<string, State>> = {
  passed: "ok",
  created: "progress",
  queued: "progress",
  received: "progress",
  started: "progress",
  failed: "failed",
  errored: "failed",
  canceled: "failed",
};

/** What the newest build of what is merged comes to. Source: https://developer.travis-ci.com/resource/builds */
export async function readTravisCi(
  { api = "https://api.travis-ci.com", repository, branch, token }: TravisLocation,
  signal: AbortSignal,
): Promise<CiState> {
  if (repository === undefined) return { state: "unknown", summary: "github.repository is not set" };
  const query = new URLSearchParams({
    event_type: "push",
    ...(branch === undefined ? {} : { "branch.name": branch }),
    sort_by: "id:desc",
    limit: "1",
  });
  const url = `${api}/repo/${encodeURIComponent(repository)}/builds?${query.toString()}`;
  const headers = {
    accept: "application/json",
    "travis-api-version": "3",
    "user-agent": "delivery",
    ...(token === undefined ? {} : { authorization: `token ${token}` }),
  };
  const response = await fetch(url, { headers, signal }).catch((error: unknown) => {
    throw new NotReachableError(`${new URL(api).host} cannot be reached: ${rootMessage(error)}`, { cause: error });
  });
  if (!response.ok)
    throw new NotReachableError(
      `${new URL(api).host} answers ${response.status} for ${repository}; it shows private repositories to the token in ${travisTokenVariable} alone`,
    );
  const answer = buildsSchema.safeParse(parsedJson(await response.text()));
  if (!answer.success)
    throw new NotReachableError(`${new URL(api).host} does not answer as Travis CI does for ${repository}`);
  const [newest] = answer.data.builds;
  if (newest === undefined) return { state: "unknown", summary: "no build yet" };
  return { state: states[newest.state] ?? "unknown", summary: `#${newest.number} ${newest.state}` };
}
