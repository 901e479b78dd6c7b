import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { ownMarker } from "../../machine/process-identity.ts";
import { listenOnLoopback } from "../loopback-server.ts";
import { answer, apiPrefix } from "./api/answer.ts";
import type { ApiResponse } from "./api/router.ts";
import { PipelineEngine } from "./runner/engine.ts";
import type { JobHost } from "./runner/run-job.ts";
import { startSchedules } from "./runner/triggers.ts";
import type { GitHubConnection } from "./settings.ts";
import { Store } from "./state.ts";

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
 * on, and pipelines whose jobs run on this machine. Unlike CircleCI's GitHub App it also builds pull requests of forks, where
 * the project does (`build_fork_prs`), as CircleCI's OAuth app would.
 */
export async function startCircleCi(options: CircleCiOptions): Promise<CircleCi> {
  if (options.token === "") throw new Error("the token of the CircleCI stand-in is empty");
  const store = new Store(options.stateFile);
  const server = createServer((request, response) => {
    void answer({ ...options, store, engine, origin }, request).then((result) =>
      send(response, result, request, options.log),
    );
  });
  const port = await listenOnLoopback(server, options.port);
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
  const schedules = startSchedules(
    () => store.state,
    engine,
    (line) => options.log?.(line),
  );
  const close = async (): Promise<void> => {
    schedules[Symbol.dispose]();
    await Promise.all([
      engine.close(),
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeIdleConnections();
      }),
    ]);
  };
  return { port, url: `${origin}${apiPrefix}`, close, [Symbol.asyncDispose]: close };
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
