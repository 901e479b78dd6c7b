import { spawn, type ChildProcess } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { z } from "zod";
import { markerOf } from "../../sandbox/machine/process-identity.ts";
import { jobLogFolder, readJobLog } from "../../sandbox/stand-ins/circleci/runner/pipeline-folder.ts";
import { startCircleCi, type CircleCi, type CircleCiOptions } from "../../sandbox/stand-ins/circleci/server.ts";
import { BareRepository } from "./bare-repository.ts";

const idSchema = z.object({ id: z.string() });
const projectSchema = idSchema.extend({ slug: z.string() });
const pipelinesSchema = z.object({ pipelines: z.array(idSchema.extend({ number: z.number() })) });
const pipelineSchema = z.object({ number: z.number(), state: z.string() });
const workflowsSchema = z.object({ items: z.array(idSchema.extend({ name: z.string(), status: z.string() })) });
const jobsSchema = z.object({
  items: z.array(
    idSchema.extend({
      name: z.string(),
      status: z.string(),
      job_number: z.number().optional(),
      approval_request_id: z.string().optional(),
    }),
  ),
});
const statusSchema = z.object({
  state: z.string(),
  context: z.string(),
  description: z.string(),
  target_url: z.string(),
});
export type ReportedStatus = z.infer<typeof statusSchema> & { path: string };

const workflowEnds = ["success", "failed", "error", "canceled", "unauthorized"];
const secret = "signs webhooks";
export const fullName = "acme/shop";

/** How the newest workflow of a pipeline has ended. */
export function ended(harness: CircleCiHarness, pipeline: string): Promise<string> {
  return vi.waitFor(
    async () => {
      const [workflow] = await harness.workflows(pipeline);
      expect(workflowEnds).toContain(workflow?.status);
      return workflow?.status ?? "";
    },
    { timeout: 30_000, interval: 50 },
  );
}

/** A CircleCI with a project, a repository that it builds, and a GitHub that is told of the jobs. */
export class CircleCiHarness implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "circleci-harness-"));
  readonly repository = new BareRepository();
  /** What GitHub was told, in its order. */
  readonly statuses: ReportedStatus[] = [];
  /** How often GitHub is away before it takes anything. */
  away = 0;
  circleCi!: CircleCi;
  slug = "";
  organizationId = "";
  projectId = "";
  triggerId = "";
  #triggers = "";
  readonly #github = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "GET") return response.end("[]");
      if (this.away-- > 0) return response.writeHead(502).end();
      const status = statusSchema.parse(JSON.parse(Buffer.concat(chunks).toString()));
      this.statuses.push({ ...status, path: request.url ?? "" });
      return response.writeHead(201).end("{}");
    });
  });

  static async create(options: Partial<CircleCiOptions> = {}): Promise<CircleCiHarness> {
    const harness = new CircleCiHarness();
    await new Promise<void>((resolve) => harness.#github.listen(0, "127.0.0.1", resolve));
    await harness.start(options);
    harness.organizationId = (
      await harness.#made("/organization", { name: "acme", vcs_type: "circleci" }, idSchema)
    ).id;
    const project = await harness.#made(
      `/organization/${harness.organizationId}/project`,
      { name: "shop" },
      projectSchema,
    );
    harness.slug = project.slug;
    harness.projectId = project.id;
    const repo = { provider: "github_app", repo: { external_id: "7" } };
    const definitions = `/projects/${project.id}/pipeline-definitions`;
    const definition = await harness.#made(
      definitions,
      { name: "push", config_source: { ...repo, file_path: ".circleci/config.yml" }, checkout_source: repo },
      idSchema,
    );
    harness.#triggers = `${definitions}/${definition.id}/triggers`;
    harness.triggerId = await harness.trigger("all-pushes");
    return harness;
  }

  /** Declares another trigger of the pipeline. Returns its id. */
  async trigger(preset: string): Promise<string> {
    const repo = { provider: "github_app", repo: { external_id: "7" } };
    return (await this.#made(this.#triggers, { event_source: repo, event_preset: preset }, idSchema)).id;
  }

  /** Starts it, or starts it again. */
  async start(options: Partial<CircleCiOptions> = {}): Promise<void> {
    // A server that listens on a port has an address of this form.
    const { port } = this.#github.address() as AddressInfo;
    this.circleCi = await startCircleCi({
      port: 0,
      stateFile: join(this.folder, "circleci.json"),
      token: "right",
      github: { api: `http://127.0.0.1:${port}`, token: "github-token", webhookSecret: secret },
      ...options,
    });
  }

  /** Starts it as the sandbox does, in a process of its own. */
  async startProcess(): Promise<ChildProcess> {
    const { port } = this.#github.address() as AddressInfo;
    const file = (name: string, content: string): string => {
      writeFileSync(join(this.folder, name), content, { mode: 0o600 });
      return join(this.folder, name);
    };
    const github = { api: `http://127.0.0.1:${port}`, token: "github-token", webhookSecret: secret };
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, "../../sandbox/stand-ins/circleci/main.ts"),
        "--port=0",
        `--state=${join(this.folder, "circleci.json")}`,
        `--token-file=${file("token", "right")}`,
        `--github=${file("github.json", JSON.stringify(github))}`,
      ],
      { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env["PATH"], ...markerOf(this.folder) } },
    );
    const url = await new Promise<string>((resolve, reject) => {
      child.once("exit", () => reject(new Error("the CircleCI stand-in ends at its start")));
      child.stdout.on("data", (chunk: Buffer) => {
        const [found] = /http:\S+/.exec(chunk.toString()) ?? [];
        if (found !== undefined) resolve(found);
      });
    });
    this.circleCi = { ...this.circleCi, url };
    return child;
  }

  /** Another's copy of the repository. */
  fork(): BareRepository {
    return new BareRepository({ copyOf: this.repository });
  }

  async settings(advanced: Record<string, boolean>): Promise<void> {
    await this.ask("PATCH", `/project/${this.slug}/settings`, { advanced });
  }

  async context(name: string, variables: Record<string, string>): Promise<string> {
    const { id } = await this.#made("/context", { name, owner: { id: this.organizationId } }, idSchema);
    for (const [variable, value] of Object.entries(variables))
      await this.ask("PUT", `/context/${id}/environment-variable/${variable}`, { value });
    return id;
  }

  /** Commits a config, and tells CircleCI as GitHub does. Returns the pipelines that this started. */
  async push(config: string, { message = "a change", branch = "main", files = {} } = {}): Promise<string[]> {
    const after = this.repository.commit({ ".circleci/config.yml": config, ...files }, message, branch);
    const event = { ref: `refs/heads/${branch}`, before: "0".repeat(40), after, head_commit: { message } };
    return this.hook("push", { ...event, repository: this.repositoryOfEvent() });
  }

  /** Commits a config that no branch has, and pushes a tag of it. Returns the pipelines that this started. */
  async pushTag(config: string, tag: string): Promise<string[]> {
    const after = this.repository.commit({ ".circleci/config.yml": config }, "of a tag", "of-a-tag");
    this.repository.git("update-ref", `refs/tags/${tag}`, after);
    const event = { ref: `refs/tags/${tag}`, before: "0".repeat(40), after, head_commit: { message: "of a tag" } };
    return this.hook("push", { ...event, repository: this.repositoryOfEvent() });
  }

  async pipeline(id: string): Promise<z.infer<typeof pipelineSchema>> {
    return pipelineSchema.parse(await this.ask("GET", `/pipeline/${id}`));
  }

  repositoryOfEvent(): Record<string, unknown> {
    return { id: 7, full_name: fullName, clone_url: this.repository.url, default_branch: "main" };
  }

  async hook(event: string, payload: unknown, delivery: string = randomUUID()): Promise<string[]> {
    const body = JSON.stringify(payload);
    const answer = await fetch(new URL("/hooks/github", this.circleCi.url), {
      method: "POST",
      headers: {
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
      },
      body,
    });
    return pipelinesSchema.parse(await answer.json()).pipelines.map(({ id }) => id);
  }

  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.circleCi.url}${path}`, {
      method,
      headers: { "circle-token": "right" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.json();
  }

  /** The newest first. */
  async workflows(pipeline: string): Promise<z.infer<typeof workflowsSchema>["items"]> {
    return workflowsSchema.parse(await this.ask("GET", `/pipeline/${pipeline}/workflow`)).items;
  }

  /** The jobs of a pipeline's workflow of this name. @default the newest */
  async jobs(pipeline: string, name?: string): Promise<z.infer<typeof jobsSchema>["items"]> {
    const workflow = (await this.workflows(pipeline)).find((one) => name === undefined || one.name === name);
    return workflow === undefined ? [] : jobsSchema.parse(await this.ask("GET", `/workflow/${workflow.id}/job`)).items;
  }

  async jobStatuses(pipeline: string, name?: string): Promise<Record<string, string>> {
    return Object.fromEntries((await this.jobs(pipeline, name)).map((job) => [job.name, job.status]));
  }

  /** What a job has written, step by step, as its log files have it. */
  async log(pipeline: string, job: string, name?: string): Promise<string> {
    const found = (await this.jobs(pipeline, name)).find((one) => one.name === job);
    const { number } = await this.pipeline(pipeline);
    const folder = join(this.folder, "ci", "pipelines", `${number}-${pipeline.slice(0, 8)}`);
    return readJobLog(jobLogFolder(folder, found?.job_number ?? 0)).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.circleCi.close();
    this.#github.close();
    this.#github.closeAllConnections();
    this.repository[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #made<T>(path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
    return schema.parse(await this.ask("POST", path, body));
  }
}
