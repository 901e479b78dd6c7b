import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { serveOnLoopback } from "../loopback-server.ts";
import { isSameSecret } from "../secrets.ts";
import { gitEnvironment, isPublic, isRepositoryName, pushDirectoryVariable, repositoryPath } from "./repositories.ts";

/** Someone who may use the repositories. */
export interface GitUser {
  name: string;
  /** The password of basic authentication. */
  token: string;
  /** Whether pushes are accepted, too. */
  access: "read" | "write";
  /** All that may be pushed: changes below one directory of one repository, as a push ruleset of GitHub restricts paths. @default all */
  pushes?: { repository: string; directory: string } | undefined;
}

interface GitHttpOptions {
  /** On 127.0.0.1; 0: any free one. */
  port: number;
  /** Folder of the bare repositories. */
  root: string;
  users: readonly GitUser[];
  /** Takes one line per request, and what Git writes to standard error. */
  log: (line: string) => void;
}

export interface GitHttp extends AsyncDisposable {
  /** E.g. `http://127.0.0.1:3000`. */
  readonly url: string;
}

/** Serves the repositories of a folder by Git's smart HTTP protocol: to those with a token, and the public ones to all who read. */
export async function serveGit(options: GitHttpOptions): Promise<GitHttp> {
  const { port, [Symbol.asyncDispose]: close } = await serveOnLoopback({
    port: options.port,
    fetch: createApp(options).fetch,
    // A big push may take its time.
    requestTimeout: 0,
    // A client that has stopped reading does not keep the server.
    closeGrace: 2_000,
  });
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}

function createApp({ root, users, log }: GitHttpOptions): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(async (c, next) => {
    const { incoming, outgoing } = c.env;
    // The query of info/refs names the service; nothing in it is secret.
    outgoing.once("close", () => log(`${incoming.method} ${incoming.url} ${outgoing.statusCode}`));
    c.header("cache-control", "no-store");
    await next();
  });
  app.get("/healthz", (c) => c.text("ok\n"));
  app.all("*", async (c) => {
    const [, name = "", endpoint = ""] = smartPath.exec(c.req.path) ?? [];
    const isKnown = isRepositoryName(name) && existsSync(repositoryPath(root, name));
    const service = endpoint === "info/refs" ? c.req.query("service") : endpoint;
    const authorization = c.req.header("authorization");
    const user = userOf(users, authorization);
    const isOpen =
      isKnown && authorization === undefined && service === "git-upload-pack" && isPublic(repositoryPath(root, name));
    if (user === undefined && !isOpen) {
      c.header("www-authenticate", 'Basic realm="sandbox Git server"');
      return c.text("A user and a token are needed; this is not one of them.\n", 401);
    }
    if (!isKnown) return c.text(`There is no repository at ${c.req.path}.\n`, 404);
    if (user?.access === "read" && service === "git-receive-pack")
      return c.text(`User ${user.name} may only read.\n`, 403);
    if (user?.pushes !== undefined && user.pushes.repository !== name && service === "git-receive-pack")
      return c.text(`User ${user.name} may only push to ${user.pushes.repository}.\n`, 403);
    const query = new URL(c.req.url).search.slice(1);
    // Git's answer goes to the client piece by piece, as it comes.
    const { incoming, outgoing } = c.env;
    await answerByGit(incoming, outgoing, { root, path: c.req.path, query, user }, log);
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}

/** A path and service of Git's smart HTTP protocol. */
const smartPath = /^\/(.+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/;

/** Whom the header authenticates. */
export function userOf(users: readonly GitUser[], authorization: string | undefined): GitUser | undefined {
  const encoded = /^Basic (\S+)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const given = Buffer.from(encoded, "base64").toString("utf8");
  return users.find(({ name, token }) => token !== "" && isSameSecret(given, `${name}:${token}`));
}

interface BackendRequest {
  /** Folder of the repositories. */
  root: string;
  /** Path of the request below the root, e.g. `/deploy.git/info/refs`. */
  path: string;
  /** What follows the `?`. */
  query: string;
  /** Whose request it is; `undefined`: nobody in particular, and Git refuses pushes. */
  user: GitUser | undefined;
}

const largestHead = 64 * 1024;

/** Lets Git's own HTTP backend answer a request, by the CGI protocol (RFC 3875). Resolves when the answer is sent. */
function answerByGit(
  request: IncomingMessage,
  response: ServerResponse,
  backendRequest: BackendRequest,
  log: (line: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn("git", ["http-backend"], {
      env: environmentOf(request, backendRequest),
      stdio: ["pipe", "pipe", "pipe"],
    });
    const fail = (reason: string): void => {
      log(`git http-backend: ${reason}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { "content-type": "text/plain" }).end("The Git server failed; its log says why.\n");
    };
    child.once("error", (error) => {
      fail(error.message);
      resolve();
    });
    child.once("close", (code, signal) => {
      if (!response.headersSent) fail(`ended by ${signal ?? `code ${code}`} without an answer`);
      else if (!response.writableEnded) response.end();
      resolve();
    });
    // A client that goes away ends Git's input, and so Git, which leaves the repository as it was.
    request.pipe(child.stdin);
    request.once("close", () => child.stdin.end());
    response.once("close", () => child.stdout.destroy());
    child.stdin.on("error", () => undefined);
    child.stderr.setEncoding("utf8").on("data", (text: string) => log(text.trimEnd()));
    forward(child.stdout, response, fail);
  });
}

function environmentOf(request: IncomingMessage, { root, path, query, user }: BackendRequest): NodeJS.ProcessEnv {
  const header = (name: string): string | undefined => request.headers[name]?.toString();
  const variables: Record<string, string | undefined> = {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_PROTOCOL: header("git-protocol"),
    REQUEST_METHOD: request.method,
    PATH_INFO: path,
    QUERY_STRING: query,
    CONTENT_TYPE: header("content-type"),
    CONTENT_LENGTH: header("content-length"),
    HTTP_CONTENT_ENCODING: header("content-encoding"),
    REMOTE_USER: user?.name,
    [pushDirectoryVariable]: user?.pushes?.directory,
    REMOTE_ADDR: request.socket.remoteAddress,
    PATH: process.env["PATH"],
    HOME: root,
    ...gitEnvironment,
  };
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined));
}

/** Turns the backend's output, a head of its own and a body, into the response. */
function forward(output: NodeJS.ReadableStream, response: ServerResponse, fail: (reason: string) => void): void {
  let head = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) {
      if (head.length > largestHead) fail("its answer has no head");
      return;
    }
    output.off("data", read);
    const { status, headers } = parseHead(head.subarray(0, end).toString("latin1"));
    response.writeHead(status, headers);
    response.write(head.subarray(end + 4));
    output.pipe(response);
  };
  output.on("data", read);
}

/** The head of a CGI answer: header fields, one of which may be the status. */
export function parseHead(text: string): { status: number; headers: Record<string, string> } {
  const fields = text.split("\r\n").flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    return colon < 1 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]];
  });
  const { status = "200", ...headers } = Object.fromEntries(fields);
  return { status: Number.parseInt(status, 10), headers };
}
