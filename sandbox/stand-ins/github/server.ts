import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { PushHook } from "../git-server/pushes.ts";
import { listenOnLoopback } from "../loopback-server.ts";
import { ApiError } from "./api-error.ts";
import { applyPush } from "./apply-push.ts";
import { commentRoutes } from "./comments.ts";
import type { GitHubHost } from "./host.ts";
import { authenticate, parse, read } from "./http-request.ts";
import { labelRoutes } from "./labels.ts";
import { mergeRoutes } from "./merge.ts";
import { pullRequestPage, pullRequestRoutes } from "./pull-requests.ts";
import { repositoryRoutes } from "./repositories.ts";
import { findRoute, type ApiResponse } from "./router.ts";
import { Store } from "./state.ts";
import { statusRoutes } from "./statuses.ts";
import { startWebhookDispatcher, type WebhookTarget } from "./webhook-dispatcher.ts";

/** GitHub Enterprise Server has its API there, and clients that are told of another host look for it there. */
const enterprisePrefix = "/api/v3";
const documentation = "https://docs.github.com/rest";
const routes = [
  ...repositoryRoutes,
  ...pullRequestRoutes,
  ...mergeRoutes,
  ...commentRoutes,
  ...labelRoutes,
  ...statusRoutes,
  pullRequestPage,
];

export interface GitHubOptions {
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
  const store = new Store(stateFile);
  const courier = startWebhookDispatcher(store, webhooks, log);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const result = await answer(host, store, request, log);
    send(response, result);
    log(`GitHub API: ${request.method} ${(request.url ?? "/").replace(/\?.*$/, "")} ${result.status}`);
    if (request.method !== "GET") courier.wake();
  };
  const server = createServer((request, response) => void serve(request, response));
  const used = await listenOnLoopback(server, port);
  return {
    port: used,
    hook: {
      name: "GitHub's pull requests and webhooks",
      run: async (push) => {
        await store.transaction((state) => applyPush(host, state, push));
        courier.wake();
      },
    },
    [Symbol.asyncDispose]: async () => {
      await courier[Symbol.asyncDispose]();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
    },
  };
}

async function answer(
  host: GitHubHost,
  store: Store,
  request: IncomingMessage,
  log: (line: string) => void,
): Promise<ApiResponse> {
  try {
    const text = await read(request);
    if (request.url === "/healthz") return { status: 200, body: "ok\n" };
    const user = authenticate(request, host.users);
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "localhost"}`);
    const pathname = url.pathname.startsWith(`${enterprisePrefix}/`)
      ? url.pathname.slice(enterprisePrefix.length)
      : url.pathname;
    const found = findRoute(routes, request.method ?? "GET", pathname);
    if (found === undefined) throw new ApiError(404, "Not Found");
    const body = parse(text);
    return await store.transaction((state) => found.route.handle({ host, state, user, path: found.path, url, body }));
  } catch (error) {
    if (error instanceof ApiError) return refusal(error);
    log(`GitHub API: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return refusal(new ApiError(500, "Server Error"));
  }
}

function refusal({ status, message, errors }: ApiError): ApiResponse {
  return {
    status,
    body: {
      message,
      ...(errors.length === 0 ? {} : { errors: errors.map((error) => ({ ...error })) }),
      documentation_url: documentation,
      status: String(status),
    },
  };
}

function send(response: ServerResponse, { status, body, headers }: ApiResponse): void {
  const text = typeof body === "string";
  response.writeHead(status, {
    "content-type": text ? "text/plain; charset=utf-8" : "application/json; charset=utf-8",
    "cache-control": "no-store",
    ...headers,
  });
  response.end(body === undefined ? undefined : text ? body : JSON.stringify(body));
}
