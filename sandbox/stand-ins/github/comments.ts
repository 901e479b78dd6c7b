import { z } from "zod";
import { ApiError, invalid, notFound } from "./api-error.ts";
import { page } from "./page.ts";
import { pullRequestOf } from "./pull-requests.ts";
import {
  bodyOf,
  created,
  mayWrite,
  noContent,
  ok,
  pathPart,
  repositoryOf,
  route,
  userOf,
  type ApiRequest,
  type Route,
} from "./router.ts";
import { takeId, type Comment } from "./state.ts";
import { commentView } from "./views.ts";

const longestBody = 65_536;
const ofPull = "/repos/{owner}/{repo}/issues/{number}/comments";
const one = "/repos/{owner}/{repo}/issues/comments/{comment}";

/** Comments of pull requests, which the API counts among the issues. */
export const commentRoutes: readonly Route[] = [
  // Before the list: its path would fit, too.
  route("GET", one, (request) => ok(commentView(request.host, commentOf(request)))),
  route("GET", ofPull, (request) => {
    const { pull } = pullRequestOf(request);
    const comments = request.state.comments.filter(
      ({ repository, number }) => repository === pull.repository && number === pull.number,
    );
    return page(
      request,
      comments.map((comment) => commentView(request.host, comment)),
    );
  }),
  route("POST", ofPull, (request) => {
    const { pull } = pullRequestOf(request);
    const { login } = userOf(request);
    const now = new Date().toISOString();
    const comment: Comment = {
      id: takeId(request.state),
      repository: pull.repository,
      number: pull.number,
      author: login,
      createdAt: now,
      updatedAt: now,
      body: textIn(request),
    };
    request.state.comments.push(comment);
    return created(commentView(request.host, comment));
  }),
  route("PATCH", one, (request) => {
    const comment = ownCommentOf(request);
    comment.body = textIn(request);
    comment.updatedAt = new Date().toISOString();
    return ok(commentView(request.host, comment));
  }),
  route("DELETE", one, (request) => {
    const { id } = ownCommentOf(request);
    request.state.comments = request.state.comments.filter((comment) => comment.id !== id);
    return noContent;
  }),
];

const bodySchema = z.object({ body: z.string().min(1) });

function textIn(request: ApiRequest): string {
  const { body } = bodyOf(request, "IssueComment", bodySchema);
  if (body.length <= longestBody) return body;
  const message = `body is too long (maximum is ${longestBody} characters)`;
  throw invalid({ resource: "IssueComment", code: "custom", field: "body", message });
}

function commentOf(request: ApiRequest): Comment {
  const { repository } = repositoryOf(request);
  const comment = request.state.comments.find(
    (known) => known.repository === repository.fullName && String(known.id) === pathPart(request, "comment"),
  );
  if (comment === undefined) throw notFound();
  return comment;
}

/** Its author may change a comment, and who may write to the repository. */
function ownCommentOf(request: ApiRequest): Comment {
  const comment = commentOf(request);
  const user = userOf(request);
  if (comment.author === user.login || mayWrite(user, repositoryOf(request).repository)) return comment;
  throw new ApiError(403, "Resource not accessible by personal access token");
}
