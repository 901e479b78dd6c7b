import { spawn } from "node:child_process";
import { createHash, timingSafeEqual } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOnLoopback } from "../loopback-server.ts";
import { gitEnvironment, isPublic, isRepositoryName, repositoryPath } from "./repositories.ts";

/** Someone who may use the repositories. */
export interface GitUser {
  name: string;
  /** The password of basic authentication. */
  token: string;
  /** Whether pushes are accepted, too. */
  access: "read" | "write";
}

interface GitHttpOptions {
  /** On 127.0.0.1; 0: any free one. */
  port: number;
  /** Folder of the bare repositories. */
  root: string;
  users: readonly GitUser[];
  /** Takes one line per request, and what Git has to say. */
  log: (line: string) => void;
}

export interface GitHttp extends AsyncDisposable {
  /** E.g. `http://127.0.0.1:3000`. */
  readonly url: string;
}

const closeGraceMilliseconds = 2_000;

/** A path and service of Git's smart HTTP protocol. */
const smartPath = /^\/(.+)\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/;

/** Serves the repositories of a folder by Git's smart HTTP protocol: to those with a token, and the public ones to all who read. */
export async function serveGit(options: GitHttpOptions): Promise<GitHttp> {
  const server = createServer((request, response) => {
    // The query of info/refs names the service; nothing in it is secret.
    response.once("close", () => options.log(`${request.method} ${request.url} ${response.statusCode}`));
    void answer(options, request, response);
  });
  // A big push may take its time.
  server.requestTimeout = 0;
  const port = await listenOnLoopback(server, options.port);
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // A client that has stopped reading does not keep the server.
        setTimeout(() => server.closeAllConnections(), closeGraceMilliseconds).unref();
      }),
  };
}

async function answer(options: GitHttpOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, search, searchParams } = new URL(request.url ?? "/", "http://localhost");
  if (pathname === "/healthz") return say(response, 200, "ok");
  const [, name = "", path = ""] = smartPath.exec(pathname) ?? [];
  const known = isRepositoryName(name) && existsSync(repositoryPath(options.root, name));
  const service = path === "info/refs" ? searchParams.get("service") : path;
  const { authorization } = request.headers;
  const user = userOf(options.users, authorization);
  const open = known && authorization === undefined && service === "git-upload-pack";
  if (user === undefined && !(open && isPublic(repositoryPath(options.root, name)))) {
    response.setHeader("www-authenticate", 'Basic realm="sandbox Git server"');
    return say(response, 401, "A user and a token are needed; this is not one of them.");
  }
  if (!known) return say(response, 404, `There is no repository at ${pathname}.`);
  if (user?.access === "read" && service === "git-receive-pack")
    return say(response, 403, `User ${user.name} may only read.`);
  await answerByGit(
    request,
    response,
    { root: options.root, path: pathname, query: search.slice(1), user: user?.name },
    options.log,
  );
}

function say(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" })
    .end(`${text}\n`);
}

/** Whom the header authenticates. */
export function userOf(users: readonly GitUser[], authorization: string | undefined): GitUser | undefined {
  const encoded = /^Basic (\S+)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const given = digest(Buffer.from(encoded, "base64").toString("utf8"));
  return users.find(({ name, token }) => token !== "" && timingSafeEqual(given, digest(`${name}:${token}`)));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

interface BackendRequest {
  /** Folder of the repositories. */
  root: string;
  /** Path of the request below the root, e.g. `/deploy.git/info/refs`. */
  path: string;
  /** What follows the `?`. */
  query: string;
  /** Who asks; `undefined`: nobody in particular, and Git refuses pushes. */
  user: string | undefined;
}

const largestHead = 64 * 1024;

/** Lets Git's own HTTP backend answer a request, by the CGI protocol (RFC 3875). Resolves when the answer is sent. */
function answerByGit(
  request: IncomingMessage,
  response: ServerResponse,
  asked: BackendRequest,
  log: (line: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn("git", ["http-backend"], {
      env: environmentOf(request, asked),
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
    REMOTE_USER: user,
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
