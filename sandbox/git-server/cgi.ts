import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gitEnvironment } from "./repositories.ts";

export interface BackendRequest {
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
export function answerByGit(
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
