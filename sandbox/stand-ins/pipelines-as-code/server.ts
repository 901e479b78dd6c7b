import { Hono } from "hono";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { errorMessage } from "../../../core/error.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { listAt, nameOf, namespaceOf, stringAt } from "../../../kubernetes/object.ts";
import type { GitHubConnection } from "../circleci/settings.ts";
import { readBodies, serveOnLoopback } from "../loopback-server.ts";
import { isSameSecret, webhookSignature } from "../secrets.ts";
import { eventOf, pushedEvent, type RunEvent } from "./event.ts";
import { reportRuns } from "./reports.ts";
import { repositoriesOf, startRuns } from "./runs.ts";

interface PipelinesAsCodeOptions {
  /** On 127.0.0.1; 0: any free one. */
  readonly port: number;
  readonly client: KubernetesClient;
  readonly github: GitHubConnection;
  readonly log: (line: string) => void;
}

interface PipelinesAsCode extends AsyncDisposable {
  readonly port: number;
}

const largestBody = 25 * 1024 * 1024;
const lookMilliseconds = 500;

/**
 * Starts the stand-in for Pipelines-as-Code: it starts the runs in `.tekton` at the events of GitHub that their annotations name, reports
 * them as statuses of the commit, cancels what is superseded and removes what is old. That is what generated files use of it.
 */
export async function servePipelinesAsCode(options: PipelinesAsCodeOptions): Promise<PipelinesAsCode> {
  const app = createApp(options);
  const server = await serveOnLoopback({ port: options.port, fetch: (request, env) => app.fetch(request, env) });
  const closed = new AbortController();
  const watching = watch(options, closed.signal);
  return {
    port: server.port,
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      await Promise.all([watching, server[Symbol.asyncDispose]()]);
    },
  };
}

async function watch(options: PipelinesAsCodeOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await reportRuns(options).catch((error: unknown) => options.log(`looking at runs: ${errorMessage(error)}`));
    await sleep(lookMilliseconds, undefined, { signal }).catch(() => undefined);
  }
}

const incomingSchema = z.object({
  repository: z.string(),
  namespace: z.string(),
  branch: z.string(),
  pipelinerun: z.string(),
  secret: z.string(),
});

function createApp({ client, github, log }: PipelinesAsCodeOptions) {
  const app = new Hono<{ Variables: { text: string } }>();
  app.get("/healthz", (c) => c.text("ok\n"));
  app.use(readBodies(largestBody, () => new Error("the request body is too large")));
  app.post("/", async (c) => {
    const { text } = c.var;
    if (!isSameSecret(c.req.header("x-hub-signature-256") ?? "", webhookSignature(github.webhookSecret, text)))
      return c.json({ message: "X-Hub-Signature-256 is missing or wrong" }, 401);
    const event = eventOf(c.req.header("x-github-event") ?? "", JSON.parse(text));
    if (event === undefined) return c.json({ status: "skipped" });
    const started = await Promise.all(
      (await repositoriesOf(client, event.url)).map((repository) => startRuns(client, repository, event)),
    );
    const names = started.flat().map((run) => `${namespaceOf(run)}/${nameOf(run)}`);
    log(`${event.event} ${event.fullName} ${event.revision}: ${names.join(", ") || "nothing matches"}`);
    return c.json({ status: "accepted", pipelineruns: names }, 202);
  });
  app.post("/incoming", async (c) => {
    const asked = incomingSchema.parse(JSON.parse(c.var.text));
    const path = `/apis/pipelinesascode.tekton.dev/v1alpha1/namespaces/${asked.namespace}/repositories/${asked.repository}`;
    const repository = await client.request("GET", path);
    const [incoming = {}] = listAt(repository, "spec", "incoming").filter((one) =>
      listOfTexts(one["targets"]).includes(asked.branch),
    );
    const name = stringAt(incoming, "secret", "name") ?? "";
    const secret = await client.request("GET", `/api/v1/namespaces/${asked.namespace}/secrets/${name}`);
    const encoded = stringAt(secret, "data", stringAt(incoming, "secret", "key") ?? "") ?? "";
    if (encoded === "" || !isSameSecret(asked.secret, Buffer.from(encoded, "base64").toString()))
      return c.json({ message: "the secret is wrong" }, 401);
    const event = await askedEvent(github, stringAt(repository, "spec", "url") ?? "", asked.branch);
    const started = await startRuns(client, repository, event, asked.pipelinerun);
    log(`incoming ${asked.pipelinerun}: ${started.map(nameOf).join(", ") || "nothing matches"}`);
    return c.json({ status: "accepted" }, 202);
  });
  app.onError((error, c) => {
    log(`${c.req.path}: ${errorMessage(error)}`);
    return c.json({ message: errorMessage(error) }, 500);
  });
  return app;
}

function listOfTexts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

const repositorySchema = z.object({
  html_url: z.string(),
  full_name: z.string(),
  clone_url: z.string(),
  default_branch: z.string(),
});

/** What is at the head of a branch. */
async function askedEvent({ api, token }: GitHubConnection, url: string, branch: string): Promise<RunEvent> {
  const headers = { accept: "application/vnd.github+json", authorization: `Bearer ${token}` };
  const fullName = new URL(url).pathname.slice(1);
  const get = async (path: string): Promise<unknown> => {
    const response = await fetch(`${api}/repos/${fullName}${path}`, { headers });
    if (!response.ok) throw new Error(`GitHub answers ${response.status} for ${fullName}${path}`);
    return response.json();
  };
  const repository = repositorySchema.parse(await get(""));
  const { sha } = z.object({ sha: z.string() }).parse(await get(`/commits/${branch}`));
  return pushedEvent("incoming", repository, branch, sha);
}
