import { Hono } from "hono";
import { z } from "zod";
import { ApiError, bodyOf, forbidden, invalid, mayWrite, notFound, page, userOf, writerOf } from "./api.ts";
import type { ApiContext, ApiEnv } from "./api.ts";
import { findPull } from "./pull-requests.ts";
import { takeId, type Comment, type PullRequest } from "./state.ts";
import { commentView, labelView } from "./views.ts";
import { queuePullRequestEvent } from "./webhooks.ts";

const longestComment = 65_536;
const commentSchema = z.object({ body: z.string().min(1) });

/** Comments of pull requests, which the API counts among the issues; below `/repos/:owner/:repo/issues`. */
export const comments = new Hono<ApiEnv>()
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
    return c.json(commentView(c.var.host, comment), 201);
  })
  .patch("/comments/:comment", (c) => {
    const comment = findOwnComment(c, c.req.param("comment"));
    comment.body = commentIn(c);
    comment.updatedAt = new Date().toISOString();
    return c.json(commentView(c.var.host, comment));
  })
  .delete("/comments/:comment", (c) => {
    const { id } = findOwnComment(c, c.req.param("comment"));
    c.var.state.comments = c.var.state.comments.filter((comment) => comment.id !== id);
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
