import { Hono } from "hono";
import { z } from "zod";
import { ApiError, bodyOf, forbidden, invalid, mayWrite, notFound, page, userOf, writerOf } from "./api.ts";
import type { ApiContext, ApiEnv } from "./api.ts";
import { findPull } from "./pull-requests.ts";
import { takeId, type Comment, type PullRequest, type Reaction } from "./state.ts";
import { commentView, issueView, labelView, reactionView } from "./views.ts";
import { queueCommentEvent, queuePullRequestEvent } from "./webhooks.ts";

const longestComment = 65_536;
const commentSchema = z.object({ body: z.string().min(1) });
const reactionSchema = z.object({
  content: z.enum(["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]),
});

/** Comments of pull requests, which the API counts among the issues; below `/repos/:owner/:repo/issues`. */
export const comments = new Hono<ApiEnv>()
  .get("/", (c) => {
    const { state, host, repository } = c.var;
    const named = (c.req.query("labels") ?? "").split(",").filter((name) => name !== "");
    const condition = c.req.query("state") ?? "open";
    const found = state.pullRequests
      .filter((pull) => pull.repository === repository.fullName)
      .filter((pull) => condition === "all" || (pull.closedAt === undefined ? "open" : "closed") === condition)
      .filter((pull) => named.every((name) => pull.labels.some((label) => isSameLabel(label, name))));
    return page(
      c,
      found.toReversed().map((pull) => issueView(host, state, pull)),
    );
  })
  .get("/comments", (c) => {
    const since = c.req.query("since") ?? "";
    const found = c.var.state.comments.filter(
      ({ repository, updatedAt }) => repository === c.var.repository.fullName && updatedAt >= since,
    );
    return page(
      c,
      found.map((comment) => commentView(c.var.host, comment)),
    );
  })
  .get("/comments/:comment/reactions", (c) => {
    const { id } = findComment(c, c.req.param("comment"));
    const found = (c.var.state.reactions ?? []).filter(({ comment }) => comment === id);
    return page(
      c,
      found.map((reaction) => reactionView(c.var.host, reaction)),
    );
  })
  .post("/comments/:comment/reactions", (c) => {
    const { id } = findComment(c, c.req.param("comment"));
    const { login } = userOf(c);
    const { content } = bodyOf(c, "Reaction", reactionSchema);
    const { state } = c.var;
    state.reactions ??= [];
    const same = state.reactions.find(
      (known) => known.comment === id && known.content === content && known.author === login,
    );
    if (same !== undefined) return c.json(reactionView(c.var.host, same));
    const createdAt = new Date().toISOString();
    const reaction: Reaction = { id: takeId(state), comment: id, content, author: login, createdAt };
    state.reactions.push(reaction);
    return c.json(reactionView(c.var.host, reaction), 201);
  })
  // Before the list: its path would fit, too.
  .get("/comments/:comment", (c) => c.json(commentView(c.var.host, findComment(c, c.req.param("comment")))))
  .get("/:number/comments", (c) => {
    const pull = findPull(c, c.req.param("number"));
    const found = c.var.state.comments.filter(
      ({ repository, number }) => repository === pull.repository && number === pull.number,
    );
    return page(
      c,
      found.map((comment) => commentView(c.var.host, comment)),
    );
  })
  .post("/:number/comments", (c) => {
    const pull = findPull(c, c.req.param("number"));
    const { login } = userOf(c);
    const now = new Date().toISOString();
    const comment: Comment = {
      id: takeId(c.var.state),
      repository: pull.repository,
      number: pull.number,
      author: login,
      createdAt: now,
      updatedAt: now,
      body: commentIn(c),
    };
    c.var.state.comments.push(comment);
    queueCommentEvent(c.var.host, c.var.state, "created", comment, login);
    return c.json(commentView(c.var.host, comment), 201);
  })
  .patch("/comments/:comment", (c) => {
    const comment = findOwnComment(c, c.req.param("comment"));
    comment.body = commentIn(c);
    comment.updatedAt = new Date().toISOString();
    queueCommentEvent(c.var.host, c.var.state, "edited", comment, userOf(c).login);
    return c.json(commentView(c.var.host, comment));
  })
  .delete("/comments/:comment", (c) => {
    const comment = findOwnComment(c, c.req.param("comment"));
    const { id } = comment;
    queueCommentEvent(c.var.host, c.var.state, "deleted", comment, userOf(c).login);
    c.var.state.comments = c.var.state.comments.filter((one) => one.id !== id);
    return c.body(null, 204);
  });

function commentIn(c: ApiContext): string {
  const { body } = bodyOf(c, "IssueComment", commentSchema);
  if (body.length <= longestComment) return body;
  const message = `body is too long (maximum is ${longestComment} characters)`;
  throw invalid({ resource: "IssueComment", code: "custom", field: "body", message });
}

function findComment(c: ApiContext, id: string): Comment {
  const comment = c.var.state.comments.find(
    (known) => known.repository === c.var.repository.fullName && String(known.id) === id,
  );
  if (comment === undefined) throw notFound();
  return comment;
}

/** Its author may change a comment, and who may write to the repository. */
function findOwnComment(c: ApiContext, id: string): Comment {
  const comment = findComment(c, id);
  const user = userOf(c);
  if (comment.author !== user.login && !mayWrite(user, c.var.repository)) throw forbidden();
  return comment;
}

/** A list of names, which GitHub takes with and without an object around it. */
const labelsSchema = z
  .union([z.array(z.string().min(1)), z.object({ labels: z.array(z.string().min(1)) })])
  .transform((given) => ("labels" in given ? given.labels : given));

/** Labels of pull requests; below `/repos/:owner/:repo/issues`. */
export const labels = new Hono<ApiEnv>()
  .get("/:number/labels", (c) => page(c, labelViews(c, findPull(c, c.req.param("number")))))
  .post("/:number/labels", (c) => {
    const { login } = writerOf(c);
    const pull = findPull(c, c.req.param("number"));
    for (const label of bodyOf(c, "Label", labelsSchema)) {
      if (pull.labels.some((known) => isSameLabel(known, label))) continue;
      setLabels(pull, [...pull.labels, label]);
      queuePullRequestEvent(c.var.host, c.var.state, "labeled", pull, login, { label });
    }
    return c.json(labelViews(c, pull));
  })
  .delete("/:number/labels/:label", (c) => {
    const { login } = writerOf(c);
    const pull = findPull(c, c.req.param("number"));
    const label = pull.labels.find((known) => isSameLabel(known, c.req.param("label")));
    if (label === undefined) throw new ApiError(404, "Label does not exist");
    setLabels(
      pull,
      pull.labels.filter((known) => known !== label),
    );
    queuePullRequestEvent(c.var.host, c.var.state, "unlabeled", pull, login, { label });
    return c.json(labelViews(c, pull));
  });

function setLabels(pull: PullRequest, names: string[]): void {
  pull.labels = names;
  pull.updatedAt = new Date().toISOString();
}

function isSameLabel(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function labelViews(c: ApiContext, { repository, labels: names }: PullRequest) {
  return names.map((name) => labelView(c.var.host, repository, name));
}
