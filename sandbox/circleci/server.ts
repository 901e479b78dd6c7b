import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { z } from "zod";
import { ownMarker } from "../proc.ts";
import { ApiError } from "./api-error.ts";
import { contextVariableRoutes } from "./context-variables.ts";
import { contextRoutes } from "./contexts.ts";
import { authenticate, headerOf, parseBody, readBody } from "./http-request.ts";
import { organizationRoutes } from "./organizations.ts";
import { pipelineDefinitionRoutes } from "./pipeline-definitions.ts";
import { PipelineEngine } from "./pipeline/engine.ts";
import { answerHook } from "./pipeline/hook-answer.ts";
import { jobRoutes, oldJobRoutes, outputRoutes } from "./pipeline/job-routes.ts";
import type { JobHost } from "./pipeline/job-run.ts";
import { continuationRoute, pipelineRoutes } from "./pipeline/pipeline-routes.ts";
import { workflowRoutes } from "./pipeline/workflow-routes.ts";
import { projectVariableRoutes } from "./project-variables.ts";
import { projectRoutes } from "./projects.ts";
import { restrictionRoutes } from "./restrictions.ts";
import { findRoute } from "./router.ts";
import type { ApiResponse, Route } from "./router.ts";
import { Store } from "./store.ts";
import { triggerRoutes } from "./triggers.ts";
import { webhookRoutes } from "./webhooks.ts";

const prefix = "/api/v2";
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

export const gitHubConnectionSchema = z.strictObject({
  /** Base URL of its API. */
  api: z.url(),
  token: z.string().min(1),
  /** With which it signs webhooks. */
  webhookSecret: z.string().min(1),
});
export type GitHubConnection = z.infer<typeof gitHubConnectionSchema>;

export interface CircleCiOptions {
  /** On 127.0.0.1; 0: any free one. */
  port: number;
  /** The JSON file of the state; made if it is not there. */
  stateFile: string;
  /** The one token that is accepted, as a personal API token of a real account is. */
  token: string;
  /** Takes one line per request: method, path, status. */
  log?: (line: string) => void;
  /** Whose pushes start pipelines, and who is told of them. @default nobody */
  github?: GitHubConnection | undefined;
  /** What jobs run with. @default nothing but this machine's usual folders on PATH */
  jobs?: Partial<Pick<JobHost, "imageEnvironment" | "redis" | "startRemoteDocker">> | undefined;
}

export interface CircleCi extends AsyncDisposable {
  readonly port: number;
  /** What a client's `host` setting is, e.g. `http://127.0.0.1:4000/api/v2`. */
  readonly url: string;
  /** Answers what is under way, then stops. */
  close(): Promise<void>;
}

/**
 * Starts the stand-in of CircleCI: the paths, payloads, masking and refusals of its API that clients of the real one rely
 * on, and pipelines whose jobs run on this machine.
 */
export async function startCircleCi(options: CircleCiOptions): Promise<CircleCi> {
  if (options.token === "") throw new Error("the token of the CircleCI stand-in is empty");
  const store = new Store(options.stateFile);
  const server = createServer((request, response) => {
    void answer({ ...options, store, engine, origin }, request).then((result) =>
      send(response, result, request, options.log),
    );
  });
  const port = await listen(server, options.port);
  // No request is read before the next line is through.
  const origin = `http://127.0.0.1:${port}`;
  const engine = new PipelineEngine({
    imageEnvironment: () => ({}),
    redis: () => undefined,
    startRemoteDocker: () => Promise.resolve(undefined),
    ...options.jobs,
    root: join(dirname(options.stateFile), "ci"),
    marker: ownMarker(),
    account: () => store.state,
    github: options.github,
    origin,
    log: (line) => options.log?.(line),
  });
  const close = async (): Promise<void> => {
    await Promise.all([
      engine.close(),
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeIdleConnections();
      }),
    ]);
  };
  return { port, url: `${origin}${prefix}`, close, [Symbol.asyncDispose]: close };
}

type Serving = CircleCiOptions & { store: Store; engine: PipelineEngine; origin: string };

async function answer(serving: Serving, request: IncomingMessage): Promise<ApiResponse> {
  try {
    return respond(serving, request, await readBody(request));
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
  if (pathname === `${prefix}/pipeline/continue`) return within(prefix, [continuationRoute(engine)]);
  authenticate(request, token);
  if (pathname.startsWith(`${oldPrefix}/`)) return within(oldPrefix, oldJobRoutes(engine));
  if (pathname.startsWith(`${prefix}/`))
    return within(prefix, [
      ...accountRoutes,
      ...pipelineRoutes(engine),
      ...workflowRoutes(engine),
      ...jobRoutes(engine),
    ]);
  throw new ApiError(404, "Not found.");
}

function send(
  response: ServerResponse,
  result: ApiResponse,
  request: IncomingMessage,
  log: CircleCiOptions["log"],
): void {
  const type = result.text === undefined ? "application/json;charset=utf-8" : "text/plain;charset=utf-8";
  response.writeHead(result.status, { "content-type": type, "cache-control": "no-store" });
  response.end(result.text ?? JSON.stringify(result.body));
  log?.(`${request.method} ${(request.url ?? "/").replace(/\?.*$/, "")} ${result.status}`);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new Error(`port ${port} on 127.0.0.1 is taken; give the CircleCI stand-in another one`)
          : error,
      ),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
