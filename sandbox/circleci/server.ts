import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { ApiError, badRequest } from "./api-error.ts";
import { contextVariableRoutes } from "./context-variables.ts";
import { contextRoutes } from "./contexts.ts";
import { organizationRoutes } from "./organizations.ts";
import { pipelineDefinitionRoutes } from "./pipeline-definitions.ts";
import { projectVariableRoutes } from "./project-variables.ts";
import { projectRoutes } from "./projects.ts";
import { restrictionRoutes } from "./restrictions.ts";
import { findRoute } from "./router.ts";
import type { ApiResponse } from "./router.ts";
import { Store } from "./store.ts";
import { triggerRoutes } from "./triggers.ts";
import { webhookRoutes } from "./webhooks.ts";

const prefix = "/api/v2";
const largestBody = 1024 * 1024;
const routes = [
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

export interface CircleCiOptions {
  /** On 127.0.0.1; 0: any free one. */
  port: number;
  /** The JSON file of the state; made if it is not there. */
  stateFile: string;
  /** The one token that is accepted, as a personal API token of a real account is. */
  token: string;
  /** Takes one line per request: method, path, status. */
  log?: (line: string) => void;
}

export interface CircleCi extends AsyncDisposable {
  readonly port: number;
  /** What a client's `host` setting is, e.g. `http://127.0.0.1:4000/api/v2`. */
  readonly url: string;
  /** Answers what is under way, then stops. */
  close(): Promise<void>;
}

/** Starts the stand-in of CircleCI's API v2: the paths, payloads, masking and refusals that clients of the real one rely on. */
export async function startCircleCi(options: CircleCiOptions): Promise<CircleCi> {
  if (options.token === "") throw new Error("the token of the CircleCI stand-in is empty");
  const store = new Store(options.stateFile);
  const server = createServer((request, response) => {
    void answer(store, options, request).then((result) => send(response, result, request, options.log));
  });
  const port = await listen(server, options.port);
  const close = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      server.closeIdleConnections();
    });
  return { port, url: `http://127.0.0.1:${port}${prefix}`, close, [Symbol.asyncDispose]: close };
}

async function answer(store: Store, options: CircleCiOptions, request: IncomingMessage): Promise<ApiResponse> {
  try {
    const text = await read(request);
    authenticate(request, options.token);
    const origin = `http://127.0.0.1:${request.socket.localPort ?? options.port}`;
    const url = new URL(request.url ?? "/", origin);
    const pathname = url.pathname.replaceAll(/\/{2,}/g, "/");
    if (!pathname.startsWith(`${prefix}/`)) throw new ApiError(404, "Not found.");
    const found = findRoute(routes, request.method ?? "GET", pathname.slice(prefix.length));
    const body = parse(text);
    return store.transaction((state) =>
      found.route.handle({ state, path: found.path, query: url.searchParams, body, origin }),
    );
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status, body: { message: error.message } };
    options.log?.(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return { status: 500, body: { message: "Internal server error" } };
  }
}

/** The header `Circle-Token`, or the token as the user of basic authentication. The words are those of the real API. */
function authenticate(request: IncomingMessage, token: string): void {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
  const given =
    request.headers["circle-token"] ??
    (basic === undefined ? undefined : Buffer.from(basic, "base64").toString().replace(/:.*$/s, ""));
  if (given === undefined || given === "") throw new ApiError(401, "You must log in first.");
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  if (!timingSafeEqual(digest(String(given)), digest(token))) throw new ApiError(401, "Invalid token provided.");
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    // Without an encoding set, a request yields buffers.
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size <= largestBody) chunks.push(bytes);
  }
  if (size > largestBody) throw new ApiError(413, "The request body is too large.");
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  if (text.trim() === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest("The request body is not valid JSON.");
  }
}

function send(
  response: ServerResponse,
  result: ApiResponse,
  request: IncomingMessage,
  log: CircleCiOptions["log"],
): void {
  response.writeHead(result.status, { "content-type": "application/json;charset=utf-8", "cache-control": "no-store" });
  response.end(JSON.stringify(result.body));
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
