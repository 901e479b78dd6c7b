import { z } from "zod";
import { ApiError, invalid } from "./api-error.ts";
import { page } from "./page.ts";
import { bodyOf, created, ok, pathPart, repositoryOf, route, userOf, writableRepositoryOf } from "./router.ts";
import type { ApiRequest, Route } from "./router.ts";
import { takeId, type Status } from "./state.ts";
import { commitView, pullRequestView, repositoryView, statusView } from "./views.ts";

const repo = "/repos/{owner}/{repo}";
const mostStatuses = 1000;

/** Commits, their statuses, and the pull requests that they are of. */
export const statusRoutes: readonly Route[] = [
  route("POST", `${repo}/statuses/{sha}`, async (request) => {
    const { repository, git } = writableRepositoryOf(request);
    const { login } = userOf(request);
    const sha = pathPart(request, "sha");
    const wanted = bodyOf(request, "Status", statusSchema);
    if (!/^[0-9a-f]{40}$/.test(sha) || (await git.commit(sha)) === undefined) throw noCommit(sha);
    const { state } = request;
    const same = state.statuses.filter((known) => known.sha === sha && known.context === wanted.context);
    if (same.length >= mostStatuses) {
      const message = "This SHA and context has reached the maximum number of statuses.";
      throw invalid({ resource: "Status", code: "custom", message });
    }
    const status: Status = {
      id: takeId(state),
      repository: repository.fullName,
      sha,
      state: wanted.state,
      context: wanted.context,
      description: wanted.description ?? null,
      targetUrl: wanted.target_url ?? null,
      creator: login,
      createdAt: new Date().toISOString(),
    };
    state.statuses.push(status);
    return created(statusView(request.host, status));
  }),
  route("GET", `${repo}/commits/{ref+}/statuses`, async (request) => {
    const statuses = statusesOf(request, await commitOf(request));
    return page(
      request,
      statuses.map((status) => statusView(request.host, status)),
    );
  }),
  route("GET", `${repo}/commits/{ref+}/status`, async (request) => {
    const { host, state } = request;
    const { repository } = repositoryOf(request);
    const sha = await commitOf(request);
    const statuses = statusesOf(request, sha);
    const latest = statuses.filter(({ context }, at) => statuses.findIndex((one) => one.context === context) === at);
    return ok({
      state: combined(latest),
      sha,
      total_count: latest.length,
      statuses: latest.map((status) => statusView(host, status)),
      repository: repositoryView(host, state, repository),
      commit_url: `${host.url}/repos/${repository.fullName}/commits/${sha}`,
      url: `${host.url}/repos/${repository.fullName}/commits/${sha}/status`,
    });
  }),
  route("GET", `${repo}/commits/{ref}/pulls`, async (request) => {
    const { host, state } = request;
    const { repository, git } = repositoryOf(request);
    const sha = await commitOf(request);
    const own = state.pullRequests.filter((pull) => pull.repository === repository.fullName);
    const concerned = await Promise.all(
      own.map(async ({ base, head, merged }) => {
        if (merged?.commit === sha) return true;
        // One that was there before is none of its own.
        return (await git.isAncestor(sha, head.sha)) && !(await git.isAncestor(sha, base.sha));
      }),
    );
    return page(
      request,
      own.filter((_, index) => concerned[index]).map((pull) => pullRequestView(host, state, pull)),
    );
  }),
  route("GET", `${repo}/commits/{ref+}`, async (request) => {
    const { repository, git } = repositoryOf(request);
    return ok(commitView(request.host, repository.fullName, await git.info(await commitOf(request))));
  }),
];

const statusSchema = z.object({
  state: z.enum(["error", "failure", "pending", "success"]),
  context: z.string().min(1).default("default"),
  description: z.string().max(140).nullish(),
  target_url: z.string().nullish(),
});

function noCommit(name: string): ApiError {
  return new ApiError(422, `No commit found for SHA: ${name}`);
}

async function commitOf(request: ApiRequest): Promise<string> {
  const name = pathPart(request, "ref");
  const sha = await repositoryOf(request).git.commit(name);
  if (sha === undefined) throw noCommit(name);
  return sha;
}

/** The newest first. */
function statusesOf(request: ApiRequest, sha: string): Status[] {
  const { repository } = repositoryOf(request);
  return request.state.statuses
    .filter((status) => status.repository === repository.fullName && status.sha === sha)
    .toReversed();
}

/** Bad news first; without any news it is pending. */
function combined(latest: readonly Status[]): "failure" | "pending" | "success" {
  if (latest.some(({ state }) => state === "error" || state === "failure")) return "failure";
  return latest.length === 0 || latest.some(({ state }) => state === "pending") ? "pending" : "success";
}
