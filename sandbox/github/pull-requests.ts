import { z } from "zod";
import { ApiError, invalid } from "./api-error.ts";
import type { BareGit } from "./bare-git.ts";
import { pullRequestEvent } from "./events.ts";
import { findRepository, gitOf, ownerOf } from "./host.ts";
import { createPullRequest } from "./new-pull-request.ts";
import { page } from "./page.ts";
import { fullView, pullRequestOf } from "./pull-request.ts";
import { keepHead } from "./pull-request-head.ts";
import { close } from "./pushed.ts";
import { bodyOf, mayWrite, ok, repositoryOf, route, userOf } from "./router.ts";
import type { ApiRequest, ApiResponse, Route } from "./router.ts";
import type { PullRequest } from "./state.ts";
import { pullRequestView } from "./views.ts";

const pulls = "/repos/{owner}/{repo}/pulls";
const resource = "PullRequest";

export const pullRequestRoutes: readonly Route[] = [
  route("GET", pulls, list),
  route("POST", pulls, createPullRequest),
  route("GET", `${pulls}/{number}`, async (request) => {
    const { pull, git } = pullRequestOf(request);
    return ok(await fullView(request, pull, git));
  }),
  route("PATCH", `${pulls}/{number}`, update),
];

function list(request: ApiRequest): ApiResponse {
  const { host, state, url } = request;
  const { repository } = repositoryOf(request);
  const query = (name: string, usual: string): string => url.searchParams.get(name) ?? usual;
  const [wanted, head, base] = [query("state", "open"), query("head", ""), query("base", "")];
  const sort = query("sort", "created") === "updated" ? "updatedAt" : "createdAt";
  // By itself the newest comes first only in the order of creation.
  const sign = query("direction", sort === "createdAt" ? "desc" : "asc") === "asc" ? 1 : -1;
  const found = state.pullRequests
    .filter((pull) => pull.repository === repository.fullName)
    .filter((pull) => wanted === "all" || (pull.closedAt === undefined ? "open" : "closed") === wanted)
    // GitHub overlooks a head without its owner.
    .filter((pull) => !head.includes(":") || `${ownerOf(pull.head.repository)}:${pull.head.ref}` === head)
    .filter((pull) => base === "" || pull.base.ref === base)
    .toSorted((one, other) => sign * (one[sort].localeCompare(other[sort]) || one.number - other.number));
  return page(
    request,
    found.map((pull) => pullRequestView(host, state, pull)),
  );
}

const changeSchema = z.object({
  title: z.string().min(1).optional(),
  body: z.string().nullish(),
  state: z.enum(["open", "closed"]).optional(),
  base: z.string().min(1).optional(),
});

async function update(request: ApiRequest): Promise<ApiResponse> {
  const { host, state } = request;
  const { pull, git, repository } = pullRequestOf(request);
  const user = userOf(request);
  if (pull.author !== user.login && !mayWrite(user, repository))
    throw new ApiError(403, "Resource not accessible by personal access token");
  const change = bodyOf(request, resource, changeSchema);
  if (change.base !== undefined) {
    const sha = await git.branch(change.base);
    if (sha === undefined) throw invalid({ resource, field: "base", code: "invalid" });
    pull.base = { ref: change.base, sha };
  }
  if (change.title !== undefined) pull.title = change.title;
  if (change.body !== undefined) pull.body = change.body;
  pull.updatedAt = new Date().toISOString();
  if (change.state === "closed" && pull.closedAt === undefined) {
    close(pull);
    pullRequestEvent(host, state, "closed", pull, user.login);
  }
  if (change.state === "open" && pull.closedAt !== undefined) {
    await reopen(request, pull, git);
    pullRequestEvent(host, state, "reopened", pull, user.login);
  }
  return ok(await fullView(request, pull, git));
}

async function reopen({ host, state }: ApiRequest, pull: PullRequest, git: BareGit): Promise<void> {
  const refusal = (why: string): ApiError =>
    invalid({ resource, code: "invalid", field: "state", message: `state cannot be changed. ${why}` });
  if (pull.merged !== undefined) throw refusal("The pull request cannot be reopened.");
  const source = findRepository(host, state, pull.head.repository);
  const sha = source && (await keepHead(git, gitOf(host, source), pull.number, pull.head.ref));
  if (sha === undefined) throw refusal(`The ${pull.head.ref} branch has been deleted.`);
  pull.head.sha = sha;
  delete pull.closedAt;
}
