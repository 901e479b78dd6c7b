import type { IncomingMessage } from "node:http";
import type { PipelineEngine } from "../runner/engine.ts";
import type { GitHubConnection } from "../settings.ts";
import type { Store } from "../state.ts";
import { ApiError } from "./api-error.ts";
import { contextRoutes, contextVariableRoutes, restrictionRoutes } from "./contexts.ts";
import { answerWebhook } from "./github-webhook.ts";
import { authenticate, headerOf, parseBody, read } from "./http-request.ts";
import { jobRoutes, jobRoutesV1, outputRoutes } from "./jobs.ts";
import { organizationRoutes } from "./organizations.ts";
import { pipelineDefinitionRoutes } from "./pipeline-definitions.ts";
import { continuationRoute, pipelineRoutes } from "./pipelines.ts";
import { projectRoutes, projectVariableRoutes } from "./projects.ts";
import { findRoute, type ApiResponse, type Route } from "./router.ts";
import { triggerRoutes } from "./triggers.ts";
import { webhookRoutes } from "./webhooks.ts";
import { workflowRoutes } from "./workflows.ts";

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
    return answerWebhook(engine, store.state, github?.webhookSecret, {
      event: headerOf(request, "x-github-event") ?? "",
      delivery: headerOf(request, "x-github-delivery"),
      signature: headerOf(request, "x-hub-signature-256"),
      body: text,
    });
  if (pathname.startsWith("/output/")) return within("/output", outputRoutes(engine));
  if (pathname === `${apiPrefix}/pipeline/continue`) return within(apiPrefix, [continuationRoute(engine)]);
  authenticate(request, token);
  if (pathname.startsWith(`${oldPrefix}/`)) return within(oldPrefix, jobRoutesV1(engine));
  if (pathname.startsWith(`${apiPrefix}/`))
    return within(apiPrefix, [
      ...accountRoutes,
      ...pipelineRoutes(engine),
      ...workflowRoutes(engine),
      ...jobRoutes(engine),
    ]);
  throw new ApiError(404, "Not found.");
}
