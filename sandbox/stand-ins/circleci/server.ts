import { dirname, join } from "node:path";
import { ownMarker } from "../../machine/process-identity.ts";
import { serveOnLoopback } from "../loopback-server.ts";
import { apiPrefix, createApp } from "./api/app.ts";
import { PipelineEngine } from "./runner/engine.ts";
import type { JobHost } from "./runner/run-job.ts";
import { startSchedules } from "./runner/triggers.ts";
import type { GitHubConnection } from "./settings.ts";
import { openStore } from "./state.ts";

export interface CircleCiOptions {
  /** On 127.0.0.1; 0: any free one. */
  port: number;
  /** The JSON file of the state; made if it is not there. */
  stateFile: string;
  /** The one token that is accepted, as a personal API token of a real account is. */
  token: string;
  /** Takes one line per request: method, path, status. */
  log?: (line: string) => void;
  /** Its pushes start pipelines, and it gets the statuses of their jobs. @default none */
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
  const { port: requestedPort, token, github, jobs, log = () => undefined } = options;
  const store = openStore(options.stateFile);
  // No request is read before the app is there.
  const server = await serveOnLoopback({ port: requestedPort, fetch: (request, env) => app.fetch(request, env) });
  const { port } = server;
  const origin = `http://127.0.0.1:${port}`;
  const engine = new PipelineEngine({
    imageEnvironment: () => ({}),
    redis: () => undefined,
    startRemoteDocker: () => Promise.resolve(undefined),
    ...jobs,
    root: join(dirname(options.stateFile), "ci"),
    marker: ownMarker(),
    account: () => store.state,
    github,
    origin,
    log,
  });
  const app = createApp({ store, engine, origin, token, webhookSecret: github?.webhookSecret, log });
  const schedules = startSchedules(() => store.state, engine, log);
  const close = async (): Promise<void> => {
    schedules[Symbol.dispose]();
    await Promise.all([engine.close(), server[Symbol.asyncDispose]()]);
  };
  return { port, url: `${origin}${apiPrefix}`, close, [Symbol.asyncDispose]: close };
}
