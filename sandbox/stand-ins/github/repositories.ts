import { Hono } from "hono";
import { z } from "zod";
import { ensureRepository } from "../git-server/repositories.ts";
import { ApiError, bodyOf, mayWrite, userOf, writerOf, type ApiEnv } from "./api.ts";
import { findRepository, gitOf, ownerOf, type HostedRepository } from "./host.ts";
import { takeId } from "./state.ts";
import { repositoryView, userView } from "./views.ts";

/** Beyond what the declared repositories' ids are. */
const firstForkId = 1_000_000_000;

const forkSchema = z.object({
  organization: z
    .string()
    .regex(/^[\w.-]+$/)
    .optional(),
});

/** Below `/repos/:owner/:repo`. */
export const repositories = new Hono<ApiEnv>()
  .get("/", (c) => c.json(repositoryView(c.var.host, c.var.state, c.var.repository)))
  .get("/collaborators/:login/permission", (c) => {
    const { host, repository } = c.var;
    writerOf(c);
    const login = c.req.param("login");
    const user = host.users.find((known) => known.login === login);
    // Everybody may read what is public.
    const permission =
      login === ownerOf(repository.fullName)
        ? "admin"
        : user !== undefined && mayWrite(user, repository)
          ? "write"
          : user !== undefined || repository.public
            ? "read"
            : "none";
    return c.json({ permission, role_name: permission, user: userView(host, login) });
  })
  // A copy for someone else, on the same Git server; one that is there already is the answer.
  .post("/forks", async (c) => {
    const { host, state, repository, git } = c.var;
    const { login } = userOf(c);
    const { organization: owner = login } = bodyOf(c, "Fork", forkSchema);
    const fullName = `${owner}/${repository.fullName.split("/")[1] ?? ""}`;
    const existing = findRepository(host, state, fullName);
    if (existing !== undefined && !state.forks.some((known) => known.fullName === fullName))
      throw new ApiError(403, "You cannot fork a repository to its own account.");
    const fork: HostedRepository = existing ?? {
      id: firstForkId + takeId(state),
      fullName,
      git: fullName,
      public: repository.public,
    };
    if (existing === undefined) {
      await ensureRepository(host.root, { name: fork.git, public: fork.public, rewritable: "branches" });
      await gitOf(host, fork).run(["fetch", "--quiet", git.path, "+refs/heads/*:refs/heads/*"]);
      state.forks.push({ id: fork.id, fullName, of: repository.fullName });
    }
    // GitHub makes it in the background, and says so.
    return c.json(repositoryView(host, state, fork), 202);
  });
