import type { IncomingMessage } from "node:http";
import { ApiError } from "./api-error.ts";
import { contextVariableRoutes } from "./context-variables.ts";
import { contextRoutes } from "./contexts.ts";
import type { GitHubConnection } from "./github-connection.ts";
import { authenticate, headerOf, parseBody, read } from "./http-request.ts";
import { organizationRoutes } from "./organizations.ts";
import { pipelineDefinitionRoutes } from "./pipeline-definitions.ts";
import type { PipelineEngine } from "./pipeline/engine.ts";
import { answerHook } from "./pipeline/hook-answer.ts";
import { jobRoutes, oldJobRoutes, outputRoutes } from "./pipeline/job-routes.ts";
import { continuationRoute, pipelineRoutes } from "./pipeline/pipeline-routes.ts";
import { workflowRoutes } from "./pipeline/workflow-routes.ts";
import { projectVariableRoutes } from "./project-variables.ts";
import { projectRoutes } from "./projects.ts";
import { restrictionRoutes } from "./restrictions.ts";
import { findRoute } from "./router.ts";
import type { ApiResponse, Route } from "./router.ts";
import type { Store } from "./store.ts";
import { triggerRoutes } from "./triggers.ts";
import { webhookRoutes } from "./webhooks.ts";

export const apiPrefix = "/api/v2";
const oldPrefix = "/api/v1.1";
const accountRoutes = [
  ...organizationRoutes,
  ...projectRoutes,
  ...projectVariableRoutes,
  ...contextRoutes,
  ...contextVariableRoutes,
  ...restrictionRoutes,
  ...pipelineDefinitionRoutes,
  ...triggerRoutes,
  ...webhookRoutes,
];

/** What requests are answered from. */
export interface Serving {
  store: Store;
  engine: PipelineEngine;
  /** Where this server is reached, e.g. `http://127.0.0.1:4000`. */
  origin: string;
  /** The one token that is accepted. */
  token: string;
  github?: GitHubConnection | undefined;
  log?: (line: string) => void;
}

/** Answers a request; refusals are in the words of the real API. */
export async function answer(serving: Serving, request: IncomingMessage): Promise<ApiResponse> {
  try {
    return respond(serving, request, await read(request));
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status, body: { message: error.message } };
    serving.log?.(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return { status: 500, body: { message: "Internal server error" } };
  }
}

function respond(serving: Serving, request: IncomingMessage, text: string): ApiResponse {
  const { store, engine, origin, token, github } = serving;
  const url = new URL(request.url ?? "/", origin);
  const pathname = url.pathname.replaceAll(/\/{2,}/g, "/");
  const method = request.method ?? "GET";
  const within = (base: string, routes: readonly Route[]): ApiResponse => {
    const found = findRoute(routes, method, pathname.slice(base.length));
    const body = parseBody(text);
    return store.transaction((state) =>
      found.route.handle({ state, path: found.path, query: url.searchParams, body, origin }),
    );
  };
  if (pathname === "/hooks/github" && method === "POST")
    return answerHook(engine, store.state, github?.webhookSecret, {
      event: headerOf(request, "x-github-event") ?? "",
      delivery: headerOf(request, "x-github-delivery"),
      signature: headerOf(request, "x-hub-signature-256"),
      body: text,
    });
  if (pathname.startsWith("/output/")) return within("/output", outputRoutes(engine));
  if (pathname === `${apiPrefix}/pipeline/continue`) return within(apiPrefix, [continuationRoute(engine)]);
  authenticate(request, token);
  if (pathname.startsWith(`${oldPrefix}/`)) return within(oldPrefix, oldJobRoutes(engine));
  if (pathname.startsWith(`${apiPrefix}/`))
    return within(apiPrefix, [
      ...accountRoutes,
      ...pipelineRoutes(engine),
      ...workflowRoutes(engine),
      ...jobRoutes(engine),
    ]);
  throw new ApiError(404, "Not found.");
}
