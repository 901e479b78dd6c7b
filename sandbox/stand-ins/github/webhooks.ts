import { randomUUID } from "node:crypto";
import { errorMessage } from "../../../core/error.ts";
import { backoff, retry } from "../../../core/retry.ts";
import type { RefUpdate } from "../git-server/pushes.ts";
import { webhookSignature } from "../secrets.ts";
import type { StateStore } from "../state-store.ts";
import type { BareGit, CommitInfo } from "./bare-git.ts";
import { findRepository, type GitHubHost, type HostedRepository, type WebhookTarget } from "./host.ts";
import type { Comment, Delivery, Json, PullRequest, State } from "./state.ts";
import { commentView, issueView, labelView, pullRequestView, repositoryView, userView } from "./views.ts";

const noCommit = "0".repeat(40);
/** A push event holds no more. */
const mostCommits = 2048;

type PullRequestAction = "opened" | "synchronize" | "labeled" | "unlabeled" | "closed" | "reopened";

/** What only some actions have: the label, or the commits before and after a push. */
interface ActionDetails {
  readonly label?: string;
  readonly before?: string;
  readonly after?: string;
}

/** Puts the event of a pull request into the queue of webhook deliveries. */
export function queuePullRequestEvent(
  host: GitHubHost,
  state: State,
  action: PullRequestAction,
  pull: PullRequest,
  sender: string,
  { label, before, after }: ActionDetails = {},
): void {
  const repository = findRepository(host, state, pull.repository);
  if (repository === undefined) return;
  queue(state, "pull_request", {
    action,
    number: pull.number,
    pull_request: { ...pullRequestView(host, state, pull), merged: pull.merged !== undefined },
    ...(label === undefined ? {} : { label: labelView(host, pull.repository, label) }),
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    repository: repositoryView(host, state, repository),
    sender: userView(host, sender),
  });
}

/** Puts the event of a comment into the queue. GitHub counts pull requests among the issues. */
export function queueCommentEvent(
  host: GitHubHost,
  state: State,
  action: "created" | "edited" | "deleted",
  comment: Comment,
  sender: string,
): void {
  const repository = findRepository(host, state, comment.repository);
  const pull = state.pullRequests.find(
    (known) => known.repository === comment.repository && known.number === comment.number,
  );
  if (repository === undefined || pull === undefined) return;
  queue(state, "issue_comment", {
    action,
    issue: issueView(host, state, pull),
    comment: commentView(host, comment),
    repository: repositoryView(host, state, repository),
    sender: userView(host, sender),
  });
}

/** Puts the event of one pushed branch or tag into the queue. */
export async function queuePushEvent(
  host: GitHubHost,
  state: State,
  repository: HostedRepository,
  git: BareGit,
  { ref, before, after }: RefUpdate,
): Promise<void> {
  const commits = after === undefined ? [] : await newCommits(git, before, after);
  const head = after === undefined ? undefined : await git.info(after);
  const views = await Promise.all(commits.map((commit) => pushedCommit(host, repository, git, commit)));
  const pusher = head?.committer ?? { name: "unknown", email: "" };
  queue(state, "push", {
    ref,
    before: before ?? noCommit,
    after: after ?? noCommit,
    created: before === undefined,
    deleted: after === undefined,
    forced: before !== undefined && after !== undefined && !(await git.isAncestor(before, after)),
    base_ref: null,
    compare: `${host.url}/${repository.fullName}/compare/${(before ?? noCommit).slice(0, 12)}...${(after ?? noCommit).slice(0, 12)}`,
    commits: views,
    head_commit: head === undefined ? null : await pushedCommit(host, repository, git, head),
    repository: repositoryView(host, state, repository),
    pusher: { name: pusher.name, email: pusher.email },
    sender: userView(host, pusher.name),
  });
}

/** The oldest first. Of a new branch, what no other has. */
async function newCommits(git: BareGit, before: string | undefined, after: string): Promise<CommitInfo[]> {
  const others = (await git.run(["for-each-ref", "--format=%(objectname)", "refs/heads", "refs/tags"])).split("\n");
  const known = before === undefined ? others.filter((commit) => commit !== "" && commit !== after) : [before];
  const list = await git.run(["rev-list", "--reverse", `--max-count=${mostCommits}`, after, "--not", ...known]);
  return Promise.all(
    list
      .split("\n")
      .filter((commit) => commit !== "")
      .map((commit) => git.info(commit)),
  );
}

async function pushedCommit(
  host: GitHubHost,
  { fullName }: HostedRepository,
  git: BareGit,
  { sha, tree, message, author, committer }: CommitInfo,
): Promise<Json> {
  return {
    id: sha,
    tree_id: tree,
    distinct: true,
    message,
    timestamp: committer.date,
    url: `${host.url}/${fullName}/commit/${sha}`,
    author: { name: author.name, email: author.email },
    committer: { name: committer.name, email: committer.email },
    ...(await git.changes(sha)),
  };
}

function queue(state: State, event: string, payload: Json): void {
  state.deliveries.push({ id: randomUUID(), event, queuedAt: new Date().toISOString(), payload });
}

const timeoutMilliseconds = 10_000;
/** GitHub does not try again at all; here the receiver may just be starting. */
const giveUpMilliseconds = 10 * 60_000;
const longestPause = 5_000;
const mostAttempts = giveUpMilliseconds / longestPause;

interface WebhookDispatcher extends AsyncDisposable {
  /** Says that there may be something to deliver. */
  readonly wake: () => void;
}

/** Delivers what is queued to all targets in its order: at least once, and each again until it is taken. */
export function startWebhookDispatcher(
  store: StateStore<State>,
  targets: readonly WebhookTarget[],
  log: (line: string) => void,
): WebhookDispatcher {
  const abort = new AbortController();
  const { signal } = abort;
  const waiting: { wake: () => void } = { wake: () => undefined };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      const woken = new Promise<void>((resolve) => (waiting.wake = resolve));
      const [next] = await store.transaction(({ deliveries }) => deliveries);
      if (next === undefined) {
        await woken;
        continue;
      }
      await Promise.all(targets.map((target) => deliver(next, target, signal, log)));
      if (signal.aborted) return;
      await store.transaction((state) => {
        state.deliveries = state.deliveries.filter(({ id }) => id !== next.id);
      });
    }
  };
  const running = run();
  return {
    wake: () => waiting.wake(),
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      waiting.wake();
      await running;
    },
  };
}

async function deliver(
  { id, event, queuedAt, payload }: Delivery,
  { url, secret }: WebhookTarget,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<void> {
  const body = JSON.stringify(payload);
  const headers = {
    "content-type": "application/json",
    "user-agent": "GitHub-Hookshot/sandbox",
    "x-github-event": event,
    "x-github-delivery": id,
    "x-hub-signature-256": webhookSignature(secret, body),
  };
  const report = (error: unknown, next: string): void =>
    log(`webhook ${event} ${id}: ${url}: ${errorMessage(error)} (${next})`);
  try {
    await retry(() => post(url, headers, body, signal), {
      pauses: backoff(mostAttempts, 100, longestPause),
      isTransient: () => Date.now() - Date.parse(queuedAt) <= giveUpMilliseconds,
      onRetry: (error, pause) => report(error, `again in ${pause / 1000} s`),
      signal,
    });
    log(`webhook ${event} ${id}: delivered to ${url}`);
  } catch (error) {
    if (!signal.aborted) report(error, "given up");
  }
}

/** @throws Error if it is not taken */
async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]);
  const response = await fetch(url, { method: "POST", headers, body, signal: limit });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`answers ${response.status}`);
}
