import { Hono } from "hono";
import type { PushHook } from "../git-server/pushes.ts";
import { readBodies, serveOnLoopback } from "../loopback-server.ts";
import { isSameSecret } from "../secrets.ts";
import { inTransaction, type StateStore } from "../state-store.ts";
import { answerError, ApiError, notFound, userOf, withRepository, type ApiEnv } from "./api.ts";
import { applyPush } from "./apply-push.ts";
import { commits } from "./commits.ts";
import type { GitHubHost, GitHubUser, WebhookTarget } from "./host.ts";
import { comments, labels } from "./issues.ts";
import { gitRefs } from "./git-refs.ts";
import { findPull, pullRequests } from "./pull-requests.ts";
import { repositories } from "./repositories.ts";
import { openStore, type State } from "./state.ts";
import { pullRequestText, userView } from "./views.ts";
import { startWebhookDispatcher } from "./webhooks.ts";

/** GitHub Enterprise Server has its API there, and clients that are told of another host look for it there. */
const enterprisePrefix = "/api/v3";
const largestBody = 1024 * 1024;

interface GitHubOptions {
  /** On 127.0.0.1; 0: any free one. */
  readonly port: number;
  /** The JSON file of the state; made if it is not there. */
  readonly stateFile: string;
  readonly host: GitHubHost;
  readonly webhooks: readonly WebhookTarget[];
  /** Takes one line per request and per delivery. */
  readonly log: (line: string) => void;
}

export interface GitHub extends AsyncDisposable {
  readonly port: number;
  /** What the Git server is to call at every push. */
  readonly hook: PushHook;
}

/**
 * Starts the stand-in of GitHub's REST API for pull requests, labels, comments and commit statuses, above the repositories
 * of the Git server, with the webhooks that follow from both.
 */
export async function serveGitHub({ port, stateFile, host, webhooks, log }: GitHubOptions): Promise<GitHub> {
  const store = openStore(stateFile);
  const dispatcher = startWebhookDispatcher(store, webhooks, log);
  const app = createApp(host, store, log, dispatcher.wake);
  const server = await serveOnLoopback({ port, fetch: app.fetch });
  return {
    port: server.port,
    hook: {
      name: "GitHub's pull requests and webhooks",
      run: async (push) => {
        await store.transaction((state) => applyPush(host, state, push));
        dispatcher.wake();
      },
    },
    [Symbol.asyncDispose]: async () => {
      await dispatcher[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** @param changed called after each request that may have queued a webhook */
function createApp(
  host: GitHubHost,
  store: StateStore<State>,
  log: (line: string) => void,
  changed: () => void,
): Hono<ApiEnv> {
  const repository = new Hono<ApiEnv>();
  repository.use(withRepository);
  repository.route("/", repositories);
  repository.route("/pulls", pullRequests);
  repository.route("/issues", comments);
  repository.route("/issues", labels);
  repository.route("/git", gitRefs);
  repository.route("/", commits);

  const api = new Hono<ApiEnv>();
  api.get("/user", (c) => c.json(userView(host, userOf(c).login)));
  api.route("/repos/:owner/:repo", repository);
  api.get("/:owner/:repo/pull/:number", withRepository, (c) =>
    c.text(pullRequestText(c.var.state, findPull(c, c.req.param("number")))),
  );

  const app = new Hono<ApiEnv>();
  app.use(async (c, next) => {
    c.set("host", host);
    c.header("cache-control", "no-store");
    await next();
    log(`GitHub API: ${c.req.method} ${new URL(c.req.url).pathname} ${c.res.status}`);
    if (c.req.method !== "GET") changed();
  });
  app.use(readBodies(largestBody, () => new ApiError(413, "Request body too large")));
  app.get("/healthz", (c) => c.text("ok\n"));
  app.use(async (c, next) => {
    c.set("user", authenticate(c.req.header("authorization"), host.users));
    c.set("body", parse(c.var.text));
    await next();
  });
  app.use(inTransaction(store));
  app.route("/", api);
  app.route(enterprisePrefix, api);
  app.notFound((c) => answerError(c, notFound()));
  app.onError((error, c) => {
    if (error instanceof ApiError) return answerError(c, error);
    log(`GitHub API: internal error: ${error.stack ?? error.message}`);
    return answerError(c, new ApiError(500, "Server Error"));
  });
  return app;
}

/**
 * Whose token it is.
 * @returns `undefined`: there is none
 * @throws ApiError if it is wrong
 */
function authenticate(authorization: string | undefined, users: readonly GitHubUser[]): GitHubUser | undefined {
  if (authorization === undefined) return undefined;
  const [, scheme = "", given = ""] = /^(basic|bearer|token) +(\S+)$/i.exec(authorization) ?? [];
  // With basic authentication, the token is the password.
  const token = /^basic$/i.test(scheme)
    ? Buffer.from(given, "base64")
        .toString()
        .replace(/^[^:]*:/, "")
    : given;
  const user = users.find((known) => isSameSecret(token, known.token));
  if (user === undefined) throw new ApiError(401, "Bad credentials");
  return user;
}

function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, "Problems parsing JSON");
  }
}
