import { Hono } from "hono";
import { z } from "zod";
import { notePush } from "../git-server/pushes.ts";
import { ApiError, bodyOf, notFound, page, writerOf, type ApiContext, type ApiEnv } from "./api.ts";

const refSchema = z.object({
  ref: z.string().regex(/^refs\/(heads|tags)\/[^\s~^:?*[\\]+$/),
  sha: z.string().regex(/^[0-9a-f]{40}$/),
});

/** Branches and tags as Git has them; below `/repos/:owner/:repo/git`. */
export const gitRefs = new Hono<ApiEnv>()
  .get("/ref/:name{.+}", async (c) => {
    const ref = `refs/${c.req.param("name")}`;
    const sha = await c.var.git.commit(ref);
    if (sha === undefined) throw notFound();
    return c.json(refView(c, ref, sha));
  })
  .get("/matching-refs/:prefix{.+}", async (c) => {
    const prefix = `refs/${c.req.param("prefix")}`;
    const listed = await c.var.git.run(["for-each-ref", "--format=%(refname) %(objectname) %(objecttype)"]);
    const found = listed.split("\n").flatMap((line) => {
      const [ref = "", sha = "", type] = line.split(" ");
      return ref.startsWith(prefix) ? [refView(c, ref, sha, type)] : [];
    });
    return page(c, found);
  })
  .get("/tags/:sha{[0-9a-f]+}", async (c) => {
    const sha = c.req.param("sha");
    const text = await c.var.git.run(["cat-file", "tag", sha]).catch(() => {
      throw notFound();
    });
    const [, object = "", type = ""] = /^object (\S+)\ntype (\S+)$/m.exec(text) ?? [];
    return c.json({ sha, object: { type, sha: object } });
  })
  .delete("/refs/:name{.+}", async (c) => {
    writerOf(c);
    const { host, repository, git } = c.var;
    const ref = `refs/${c.req.param("name")}`;
    const before = await git.commit(ref);
    if (before === undefined) throw new ApiError(422, "Reference does not exist");
    await git.run(["update-ref", "-d", ref, before]);
    notePush(host.root, { repository: repository.git, updates: [{ ref, before }] });
    return c.body(null, 204);
  })
  .post("/refs", async (c) => {
    writerOf(c);
    const { host, repository, git } = c.var;
    const { ref, sha } = bodyOf(c, "Reference", refSchema);
    if ((await git.commit(sha)) === undefined) throw new ApiError(422, "Object does not exist");
    if ((await git.commit(ref)) !== undefined) throw new ApiError(422, "Reference already exists");
    await git.run(["update-ref", ref, sha, "0".repeat(40)]);
    // What follows from a push follows from this, too.
    notePush(host.root, { repository: repository.git, updates: [{ ref, after: sha }] });
    return c.json(refView(c, ref, sha), 201);
  });

function refView({ var: { host, repository } }: ApiContext, ref: string, sha: string, type = "commit") {
  const api = `${host.url}/repos/${repository.fullName}/git`;
  return { ref, url: `${api}/${ref}`, object: { type, sha, url: `${api}/${type}s/${sha}` } };
}
