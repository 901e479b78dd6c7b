import { createHash, timingSafeEqual } from "node:crypto";
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerByGit } from "./cgi.ts";
import { isPublic, isRepositoryName, repositoryPath } from "./repositories.ts";
import { listenOnLoopback } from "../loopback-server.ts";

/** Someone who may use the repositories. */
export interface GitUser {
  name: string;
  /** The password of basic authentication. */
  token: string;
  /** Whether pushes are accepted, too. */
  access: "read" | "write";
}

export interface GitHttpOptions {
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
