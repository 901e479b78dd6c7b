import { Hono } from "hono";
import { z } from "zod";
import { ApiError, bodyOf, invalid, page, writerOf, type ApiContext, type ApiEnv } from "./api.ts";
import { takeId, type Status } from "./state.ts";
import { commitView, pullRequestView, repositoryView, statusView } from "./views.ts";

const mostStatuses = 1000;

const statusSchema = z.object({
  state: z.enum(["error", "failure", "pending", "success"]),
  context: z.string().min(1).default("default"),
  description: z.string().max(140).nullish(),
  target_url: z.string().nullish(),
});

/**
 * Commits, their statuses, and the pull requests that they are of; below `/repos/:owner/:repo`. A branch may stand for its
 * commit, with its slashes escaped.
 */
export const commits = new Hono<ApiEnv>()
  .post("/statuses/:sha", async (c) => {
    const { login } = writerOf(c);
    const { state, repository, git } = c.var;
    const sha = c.req.param("sha");
    const requested = bodyOf(c, "Status", statusSchema);
    if (!/^[0-9a-f]{40}$/.test(sha) || (await git.commit(sha)) === undefined) throw noCommit(sha);
    const same = state.statuses.filter((known) => known.sha === sha && known.context === requested.context);
    if (same.length >= mostStatuses) {
      const message = "This SHA and context has reached the maximum number of statuses.";
      throw invalid({ resource: "Status", code: "custom", message });
    }
    const status: Status = {
      id: takeId(state),
      repository: repository.fullName,
      sha,
      state: requested.state,
      context: requested.context,
      description: requested.description ?? null,
      targetUrl: requested.target_url ?? null,
      creator: login,
      createdAt: new Date().toISOString(),
    };
    state.statuses.push(status);
    return c.json(statusView(c.var.host, status), 201);
  })
  .get("/commits/:ref/statuses", async (c) => {
    const statuses = statusesOf(c, await findCommit(c, c.req.param("ref")));
    return page(
      c,
      statuses.map((status) => statusView(c.var.host, status)),
    );
  })
  .get("/commits/:ref/status", async (c) => {
    const { host, state, repository } = c.var;
    const sha = await findCommit(c, c.req.param("ref"));
    const statuses = statusesOf(c, sha);
    const latest = statuses.filter(({ context }, at) => statuses.findIndex((one) => one.context === context) === at);
    const views = latest.map((status) => statusView(host, status));
    return page(c, views, (some) => ({
      state: combined(latest),
      sha,
      total_count: latest.length,
      statuses: some,
      repository: repositoryView(host, state, repository),
      commit_url: `${host.url}/repos/${repository.fullName}/commits/${sha}`,
      url: `${host.url}/repos/${repository.fullName}/commits/${sha}/status`,
    }));
  })
  .get("/commits/:ref/pulls", async (c) => {
    const { host, state, repository, git } = c.var;
    const sha = await findCommit(c, c.req.param("ref"));
    const own = state.pullRequests.filter((pull) => pull.repository === repository.fullName);
    const isIncluded = await Promise.all(
      own.map(async ({ base, head, merged }) => {
        if (merged?.commit === sha) return true;
        // A commit that the base had before is none of the pull request's.
        return (await git.isAncestor(sha, head.sha)) && !(await git.isAncestor(sha, base.sha));
      }),
    );
    return page(
      c,
      own.filter((_, index) => isIncluded[index]).map((pull) => pullRequestView(host, state, pull)),
    );
  })
  .get("/commits/:ref", async (c) => {
    const sha = await findCommit(c, c.req.param("ref"));
    return c.json(commitView(c.var.host, c.var.repository.fullName, await c.var.git.info(sha)));
  });

function noCommit(name: string): ApiError {
  return new ApiError(422, `No commit found for SHA: ${name}`);
}

async function findCommit({ var: { git } }: ApiContext, name: string): Promise<string> {
  const sha = await git.commit(name);
  if (sha === undefined) throw noCommit(name);
  return sha;
}

/** The newest first. */
function statusesOf({ var: { state, repository } }: ApiContext, sha: string): Status[] {
  return state.statuses
    .filter((status) => status.repository === repository.fullName && status.sha === sha)
    .toReversed();
}

/** One failure outweighs everything else; without any status it is pending. */
function combined(latest: readonly Status[]): "failure" | "pending" | "success" {
  if (latest.some(({ state }) => state === "error" || state === "failure")) return "failure";
  return latest.length === 0 || latest.some(({ state }) => state === "pending") ? "pending" : "success";
}
