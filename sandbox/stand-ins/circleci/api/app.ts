import { Hono } from "hono";
import { readBodies } from "../../loopback-server.ts";
import { isSameSecret } from "../../secrets.ts";
import { inTransaction, type StateStore } from "../../state-store.ts";
import type { PipelineEngine } from "../runner/engine.ts";
import type { State } from "../state.ts";
import { contexts, contextVariables, restrictions } from "./contexts.ts";
import { githubWebhook } from "./github-webhook.ts";
import { jobs, jobsV1, outputs } from "./jobs.ts";
import { organizations } from "./organizations.ts";
import { pipelineDefinitions, triggers } from "./pipeline-definitions.ts";
import { continuation, pipelines } from "./pipelines.ts";
import { projects, projectVariables } from "./projects.ts";
import { ApiError, badRequest, type ApiEnv } from "./request.ts";
import { workflows } from "./workflows.ts";

export const apiPrefix = "/api/v2";
/** Webhooks of pushes with many commits are the largest. */
const largestBody = 25 * 1024 * 1024;

/** What requests are answered from. */
interface AppOptions {
  store: StateStore<State>;
  engine: PipelineEngine;
  /** Where this server is reached, e.g. `http://127.0.0.1:4000`. */
  origin: string;
  /** The one token that is accepted. */
  token: string;
  /** With which GitHub signs webhooks. @default no webhooks */
  webhookSecret: string | undefined;
  log: (line: string) => void;
}

/** CircleCI's API; refusals are in the words of the real one. */
export function createApp({ store, engine, origin, token, webhookSecret, log }: AppOptions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>({ getPath: pathOf });
  app.use(async (c, next) => {
    c.set("engine", engine);
    c.set("origin", origin);
    c.header("cache-control", "no-store");
    await next();
    log(`${c.req.method} ${new URL(c.req.url).pathname} ${c.res.status}`);
  });
  app.use(async (c, next) => {
    if (!isEncoded(c.req.path)) throw badRequest("The path is not valid URL encoding.");
    await next();
  });
  app.use(readBodies(largestBody, () => new ApiError(413, "The request body is too large.")));
  app.use(inTransaction(store));
  // These need no token.
  app.route("/", githubWebhook(webhookSecret));
  app.route("/output", outputs);
  app.route(apiPrefix, continuation);
  app.use("/api/*", async (c, next) => {
    const problem = tokenProblem(c.req.header("circle-token"), c.req.header("authorization"), token);
    if (problem !== undefined) throw new ApiError(401, problem);
    await next();
  });
  app.route("/api/v1.1", jobsV1);
  for (const routes of [
    organizations,
    projects,
    projectVariables,
    contexts,
    contextVariables,
    restrictions,
    pipelineDefinitions,
    triggers,
    pipelines,
    workflows,
    jobs,
  ])
    app.route(apiPrefix, routes);
  refuseOtherMethods(app);
  app.notFound((c) => c.json({ message: "Not found." }, 404));
  app.onError((error, c) => {
    if (error instanceof ApiError) return c.json({ message: error.message }, error.status);
    log(`internal error: ${error.stack ?? error.message}`);
    return c.json({ message: "Internal server error" }, 500);
  });
  return app;
}

/** A slug may come with its slashes escaped, and superfluous slashes do not matter. */
function pathOf({ url }: Request): string {
  const parts = new URL(url).pathname.replaceAll(/%2f/gi, "/").split("/");
  return `/${parts.filter((part) => part !== "").join("/")}`;
}

function isEncoded(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * What is wrong with the token: the header `Circle-Token`, or the user of basic authentication.
 * @returns `undefined`: nothing; else the words of the real API
 */
function tokenProblem(header: string | undefined, authorization = "", token: string): string | undefined {
  const basic = /^Basic (.+)$/i.exec(authorization)?.[1] ?? "";
  const given = header ?? Buffer.from(basic, "base64").toString().replace(/:.*$/s, "");
  if (given === "") return "You must log in first.";
  return isSameSecret(given, token) ? undefined : "Invalid token provided.";
}

/** For hono, a path with another method is not there. */
function refuseOtherMethods(app: Hono<ApiEnv>): void {
  const paths = app.routes.filter(({ method }) => method !== "ALL").map(({ path }) => path);
  for (const path of new Set(paths))
    app.all(path, () => {
      throw new ApiError(405, "Method not allowed.");
    });
}
