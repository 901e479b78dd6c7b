import { z } from "zod";
import type { PipelineSource } from "./records.ts";
import type { GitHubAccess } from "./status-reports.ts";

const pullRequestsSchema = z.array(z.object({ html_url: z.string() }));
const timeoutMilliseconds = 3_000;

/** A source with the open pull request of its branch, if GitHub knows one: a push does not say. */
export async function withPullRequest(
  source: PipelineSource,
  github: GitHubAccess | undefined,
  log: (line: string) => void,
): Promise<PipelineSource> {
  const { fullName, branch, defaultBranch, pullRequestUrl } = source;
  if (github === undefined || pullRequestUrl !== undefined || branch === undefined || branch === defaultBranch)
    return source;
  const head = `${fullName.split("/")[0] ?? ""}:${branch}`;
  const path = `/repos/${fullName}/pulls?${new URLSearchParams({ state: "open", head }).toString()}`;
  try {
    const response = await fetch(`${github.api}${path}`, {
      headers: { accept: "application/vnd.github+json", authorization: `Bearer ${github.token}` },
      signal: AbortSignal.timeout(timeoutMilliseconds),
    });
    if (!response.ok) throw new Error(`GitHub answers ${response.status}`);
    const [found] = pullRequestsSchema.parse(await response.json());
    return found === undefined ? source : { ...source, pullRequestUrl: found.html_url };
  } catch (error) {
    log(`pull request of ${branch}: ${error instanceof Error ? error.message : String(error)}`);
    return source;
  }
}
