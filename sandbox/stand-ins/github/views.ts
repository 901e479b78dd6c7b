import type { CommitInfo } from "./bare-git.ts";
import { defaultBranch, findRepository, ownerOf, type GitHubHost, type HostedRepository } from "./host.ts";
import type { Comment, Json, PullRequest, Reaction, State, Status } from "./state.ts";

type View = Record<string, Json>;

/** How things look in answers and in webhooks, which GitHub gives the same form. */
export function userView(host: GitHubHost, login: string): View {
  return {
    login,
    id: idOf(login),
    type: login.endsWith("[bot]") ? "Bot" : "User",
    url: `${host.url}/users/${login}`,
    html_url: `${host.url}/${login}`,
    site_admin: false,
  };
}

/** No accounts are kept here, so the number comes from the name: the same name gets the same number. */
function idOf(login: string): number {
  return Array.from(login).reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_000_007, 7);
}

export function repositoryView(host: GitHubHost, state: State, { id, fullName, git, ...is }: HostedRepository): View {
  const name = fullName.split("/")[1] ?? "";
  const fork = state.forks.find((known) => known.fullName === fullName);
  const parent = fork && findRepository(host, state, fork.of);
  return {
    id,
    name,
    full_name: fullName,
    private: !is.public,
    visibility: is.public ? "public" : "private",
    owner: userView(host, ownerOf(fullName)),
    html_url: `${host.url}/${fullName}`,
    url: `${host.url}/repos/${fullName}`,
    clone_url: `${host.gitUrl}/${git}.git`,
    default_branch: defaultBranch,
    fork: fork !== undefined,
    ...(parent === undefined ? {} : { parent: repositoryView(host, state, parent) }),
    archived: false,
    disabled: false,
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: false,
  };
}

export function labelView(host: GitHubHost, repository: string, name: string): View {
  return {
    id: idOf(`${repository} ${name}`),
    name,
    color: "ededed",
    default: false,
    description: null,
    url: `${host.url}/repos/${repository}/labels/${encodeURIComponent(name)}`,
  };
}

export function pullRequestView(host: GitHubHost, state: State, pull: PullRequest): View {
  const { repository, number, head, base } = pull;
  const side = (fullName: string, ref: string, sha: string): View => {
    const found = findRepository(host, state, fullName);
    const owner = ownerOf(fullName);
    return {
      label: `${owner}:${ref}`,
      ref,
      sha,
      user: userView(host, owner),
      repo: found === undefined ? null : repositoryView(host, state, found),
    };
  };
  const api = `${host.url}/repos/${repository}`;
  return {
    id: pull.id,
    number,
    state: pull.closedAt === undefined ? "open" : "closed",
    locked: false,
    draft: pull.draft,
    title: pull.title,
    body: pull.body,
    user: userView(host, pull.author),
    labels: pull.labels.map((name) => labelView(host, repository, name)),
    assignees: [],
    requested_reviewers: [],
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt ?? null,
    merged_at: pull.merged?.at ?? null,
    merge_commit_sha: pull.merged?.commit ?? null,
    url: `${api}/pulls/${number}`,
    html_url: `${host.url}/${repository}/pull/${number}`,
    issue_url: `${api}/issues/${number}`,
    comments_url: `${api}/issues/${number}/comments`,
    statuses_url: `${api}/statuses/${head.sha}`,
    author_association: pull.author === ownerOf(repository) ? "OWNER" : "CONTRIBUTOR",
    head: side(head.repository, head.ref, head.sha),
    base: side(repository, base.ref, base.sha),
  };
}

/** What a pull request says of itself as an issue, too. */
const issueFields = [
  "id",
  "number",
  "state",
  "title",
  "body",
  "user",
  "labels",
  "created_at",
  "updated_at",
  "closed_at",
  "html_url",
] as const;

/** A pull request as one of the issues. */
export function issueView(host: GitHubHost, state: State, pull: PullRequest): View {
  const view = pullRequestView(host, state, pull);
  const links = { url: view["url"] ?? null, html_url: view["html_url"] ?? null, merged_at: pull.merged?.at ?? null };
  return { ...Object.fromEntries(issueFields.map((field) => [field, view[field] ?? null])), pull_request: links };
}

export function reactionView(host: GitHubHost, { id, content, author, createdAt }: Reaction): View {
  return { id, content, user: userView(host, author), created_at: createdAt };
}

export function commentView(host: GitHubHost, comment: Comment): View {
  const { id, repository, number } = comment;
  return {
    id,
    body: comment.body,
    user: userView(host, comment.author),
    author_association: comment.author === ownerOf(repository) ? "OWNER" : "CONTRIBUTOR",
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    url: `${host.url}/repos/${repository}/issues/comments/${id}`,
    html_url: `${host.url}/${repository}/pull/${number}#issuecomment-${id}`,
    issue_url: `${host.url}/repos/${repository}/issues/${number}`,
  };
}

export function statusView(host: GitHubHost, status: Status): View {
  return {
    id: status.id,
    state: status.state,
    context: status.context,
    description: status.description,
    target_url: status.targetUrl,
    creator: userView(host, status.creator),
    created_at: status.createdAt,
    updated_at: status.createdAt,
    url: `${host.url}/repos/${status.repository}/statuses/${status.sha}`,
  };
}

export function commitView(host: GitHubHost, repository: string, commit: CommitInfo): View {
  const { sha, tree, parents, message, author, committer } = commit;
  const api = `${host.url}/repos/${repository}`;
  return {
    sha,
    url: `${api}/commits/${sha}`,
    html_url: `${host.url}/${repository}/commit/${sha}`,
    commit: { message, author: { ...author }, committer: { ...committer }, tree: { sha: tree } },
    parents: parents.map((parent) => ({ sha: parent, url: `${api}/commits/${parent}` })),
  };
}

/** What a pull request's address shows a person: the pull request with its comments and statuses, as plain text. */
export function pullRequestText(state: State, pull: PullRequest): string {
  const { title, number, repository, head, base, labels, author, body, merged, closedAt } = pull;
  const condition = merged !== undefined ? "merged" : closedAt !== undefined ? "closed" : "open";
  const statuses = state.statuses.filter((status) => status.repository === repository && status.sha === head.sha);
  const comments = state.comments.filter((comment) => comment.repository === repository && comment.number === number);
  return [
    `${title} (${repository}#${number}, ${condition})`,
    `${author} wants ${head.repository}:${head.ref} at ${head.sha.slice(0, 12)} in ${base.ref}`,
    ...(labels.length === 0 ? [] : [`Labels: ${labels.join(", ")}`]),
    ...statuses.map((status) => `${status.state.padEnd(8)} ${status.context}  ${status.description ?? ""}`),
    ...(body === null ? [] : ["", body]),
    ...comments.map((comment) => `\n--- ${comment.author}, ${comment.updatedAt}\n\n${comment.body}`),
    "",
  ].join("\n");
}
