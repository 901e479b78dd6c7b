import { pullRequestOf } from "./pull-request.ts";
import { ok, route } from "./router.ts";

/** What a pull request's address shows a person: the pull request with its comments and statuses, as plain text. */
export const pullRequestPage = route("GET", "/{owner}/{repo}/pull/{number}", (request) => {
  const { pull } = pullRequestOf(request);
  const { state } = request;
  const { title, number, repository, head, base, labels, author, body, merged, closedAt } = pull;
  const condition = merged !== undefined ? "merged" : closedAt !== undefined ? "closed" : "open";
  const statuses = state.statuses.filter((status) => status.repository === repository && status.sha === head.sha);
  const comments = state.comments.filter((comment) => comment.repository === repository && comment.number === number);
  return ok(
    [
      `${title} (${repository}#${number}, ${condition})`,
      `${author} wants ${head.repository}:${head.ref} at ${head.sha.slice(0, 12)} in ${base.ref}`,
      ...(labels.length === 0 ? [] : [`Labels: ${labels.join(", ")}`]),
      ...statuses.map((status) => `${status.state.padEnd(8)} ${status.context}  ${status.description ?? ""}`),
      ...(body === null ? [] : ["", body]),
      ...comments.map((comment) => `\n--- ${comment.author}, ${comment.updatedAt}\n\n${comment.body}`),
      "",
    ].join("\n"),
  );
});
