import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { errorMessage } from "../../../../core/error.ts";
import type { Job, JobStatus, Pipeline, PipelineSource } from "./records.ts";

export interface GitHubAccess {
  /** Base URL of GitHub's API. */
  api: string;
  token: string;
}

interface CommitStatus {
  state: "pending" | "success" | "failure" | "error";
  description: string;
}

const retryMilliseconds = [200, 500, 1_000, 3_000, 10_000, 30_000];
const statusTimeoutMilliseconds = 10_000;

/** What GitHub is told of a job, in CircleCI's words. Blocked jobs, and those that never run, have no status. */
function commitStatusOf(status: JobStatus): CommitStatus | undefined {
  switch (status) {
    case "blocked":
    case "not_run":
      return undefined;
    case "queued":
      return { state: "pending", description: "Your tests are queued behind your running builds" };
    case "running":
      return { state: "pending", description: "CircleCI is running your tests" };
    case "on_hold":
      return { state: "pending", description: "Your job is on hold on CircleCI!" };
    case "success":
      return { state: "success", description: "Your tests passed on CircleCI!" };
    case "failed":
    case "timedout":
      return { state: "failure", description: "Your tests failed on CircleCI" };
    case "canceled":
      return { state: "failure", description: "Your CircleCI tests were canceled" };
    case "unauthorized":
      return { state: "error", description: "Your job is not authorized to run on CircleCI" };
    case "infrastructure_fail":
      return { state: "error", description: "CircleCI was experiencing technical difficulties" };
  }
}

/** Tells GitHub how jobs are: each job's statuses in their order, again until GitHub takes them. */
export class StatusReports {
  readonly #github: GitHubAccess;
  readonly #log: (line: string) => void;
  readonly #closed = new AbortController();
  readonly #turns = new Map<string, Promise<void>>();

  constructor(github: GitHubAccess, log: (line: string) => void) {
    this.#github = github;
    this.#log = log;
  }

  /** @param reported called when GitHub knows */
  job(pipeline: Pipeline, job: Job, url: string, reported: () => void): void {
    const status = commitStatusOf(job.status);
    if (status === undefined || job.reported === job.status) return;
    const told = job.status;
    this.#inTurn(job.id, async () => {
      // What has changed meanwhile is told by its own turn.
      if (job.status !== told || job.reported === told) return;
      if (!(await this.#post(pipeline, job.name, status, url, () => job.status !== told))) return;
      job.reported = told;
      reported();
    });
  }

  /** A pipeline whose config cannot be run has no jobs that could say so. */
  buildError(pipeline: Pipeline, url: string): void {
    const failure: CommitStatus = { state: "failure", description: "Your tests failed on CircleCI" };
    this.#inTurn(pipeline.id, async () => void (await this.#post(pipeline, "Build Error", failure, url, () => false)));
  }

  /** Tells no more; what is not told yet is when the stand-in starts again. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#turns.values());
  }

  #inTurn(key: string, work: () => Promise<void>): void {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(work);
    this.#turns.set(key, turn);
    void turn.finally(() => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    });
  }

  /** Whether GitHub has taken it. */
  async #post(
    { source }: Pipeline,
    name: string,
    status: CommitStatus,
    url: string,
    isOld: () => boolean,
  ): Promise<boolean> {
    const path = `/repos/${source.fullName}/statuses/${source.revision}`;
    const body = JSON.stringify({ ...status, context: `ci/circleci: ${name}`, target_url: url });
    for (const pause of [...retryMilliseconds, undefined]) {
      const problem = await this.#send(path, body);
      if (problem === undefined) return true;
      if (this.#closed.signal.aborted || isOld()) return false;
      const next = pause === undefined || problem.final ? "given up" : `again in ${pause / 1000} s`;
      this.#log(`status of ${name}: ${problem.text} (${next})`);
      if (pause === undefined || problem.final) return false;
      await sleep(pause, undefined, { signal: this.#closed.signal }).catch(() => undefined);
    }
    return false;
  }

  async #send(path: string, body: string): Promise<{ text: string; final: boolean } | undefined> {
    try {
      const response = await fetch(`${this.#github.api}${path}`, {
        method: "POST",
        headers: {
          accept: "application/vnd.github+json",
          authorization: `Bearer ${this.#github.token}`,
          "content-type": "application/json",
        },
        body,
        signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(statusTimeoutMilliseconds)]),
      });
      await response.body?.cancel();
      if (response.ok) return undefined;
      // A refusal of what is asked does not become a success by asking again.
      const final = response.status >= 400 && response.status < 500 && response.status !== 429;
      return { text: `GitHub answers ${response.status} for ${path}`, final };
    } catch (error) {
      return { text: errorMessage(error), final: false };
    }
  }
}

const pullRequestsSchema = z.array(z.object({ html_url: z.string() }));
const pullRequestTimeoutMilliseconds = 3_000;

/** A source with the open pull request of its branch, if GitHub knows one: a push does not say. */
export async function withPullRequest(
  source: PipelineSource,
  github: GitHubAccess | undefined,
  log: (line: string) => void,
): Promise<PipelineSource> {
  const { fullName, branch, defaultBranch, pullRequestUrl } = source;
  if (github === undefined || pullRequestUrl !== undefined || branch === undefined || branch === defaultBranch)
    return source;
  const head = `${fullName.split("/")[0] ?? ""}:${branch}`;
  const path = `/repos/${fullName}/pulls?${new URLSearchParams({ state: "open", head }).toString()}`;
  try {
    const response = await fetch(`${github.api}${path}`, {
      headers: { accept: "application/vnd.github+json", authorization: `Bearer ${github.token}` },
      signal: AbortSignal.timeout(pullRequestTimeoutMilliseconds),
    });
    if (!response.ok) throw new Error(`GitHub answers ${response.status}`);
    const [found] = pullRequestsSchema.parse(await response.json());
    return found === undefined ? source : { ...source, pullRequestUrl: found.html_url };
  } catch (error) {
    log(`pull request of ${branch}: ${errorMessage(error)}`);
    return source;
  }
}
