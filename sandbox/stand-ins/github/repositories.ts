import { z } from "zod";
import { ensureRepository } from "../git-server/repositories.ts";
import { ApiError } from "./api-error.ts";
import { findRepository, gitOf, type HostedRepository } from "./host.ts";
import { bodyOf, ok, repositoryOf, route, userOf } from "./router.ts";
import type { ApiRequest, ApiResponse, Route } from "./router.ts";
import { takeId } from "./state.ts";
import { repositoryView, userView } from "./views.ts";

/** Beyond what the declared repositories' ids are. */
const firstForkId = 1_000_000_000;

export const repositoryRoutes: readonly Route[] = [
  route("GET", "/user", (request) => ok(userView(request.host, userOf(request).login))),
  route("GET", "/repos/{owner}/{repo}", (request) =>
    ok(repositoryView(request.host, request.state, repositoryOf(request).repository)),
  ),
  route("POST", "/repos/{owner}/{repo}/forks", fork),
];

const forkSchema = z.object({
  organization: z
    .string()
    .regex(/^[\w.-]+$/)
    .optional(),
});

/** A copy for someone else, on the same Git server; one that is there already is the answer. */
async function fork(request: ApiRequest): Promise<ApiResponse> {
  const { host, state } = request;
  const { repository, git } = repositoryOf(request);
  const { login } = userOf(request);
  const { organization: owner = login } = bodyOf(request, "Fork", forkSchema);
  const fullName = `${owner}/${repository.fullName.split("/")[1] ?? ""}`;
  const existing = findRepository(host, state, fullName);
  if (existing !== undefined && !state.forks.some((known) => known.fullName === fullName))
    throw new ApiError(403, "You cannot fork a repository to its own account.");
  const made: HostedRepository = existing ?? {
    id: firstForkId + takeId(state),
    fullName,
    git: fullName,
    public: repository.public,
  };
  if (existing === undefined) {
    await ensureRepository(host.root, { name: made.git, public: made.public, rewritable: "branches" });
    await gitOf(host, made).run(["fetch", "--quiet", git.path, "+refs/heads/*:refs/heads/*"]);
    state.forks.push({ id: made.id, fullName, of: repository.fullName });
  }
  // GitHub makes it in the background, and says so.
  return { status: 202, body: repositoryView(host, state, made) };
}
