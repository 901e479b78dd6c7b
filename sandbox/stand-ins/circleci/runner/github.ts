import { z } from "zod";
import { errorMessage } from "../../../../core/error.ts";
import { retry } from "../../../../core/retry.ts";
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

/** What is reported to GitHub of a job, in CircleCI's words. Blocked jobs, and those that never run, have no status. */
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

/** Reports the status of jobs to GitHub: each job's statuses in their order, again until GitHub takes them. */
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
    const current = job.status;
    this.#inTurn(job.id, async () => {
      // A status that has changed meanwhile has a turn of its own.
      if (job.status !== current || job.reported === current) return;
      if (!(await this.#post(pipeline, job.name, status, url, () => job.status !== current))) return;
      job.reported = current;
      reported();
    });
  }

  /** A pipeline whose config cannot be run has no jobs that could say so. */
  buildError(pipeline: Pipeline, url: string): void {
    const failure: CommitStatus = { state: "failure", description: "Your tests failed on CircleCI" };
    this.#inTurn(pipeline.id, async () => void (await this.#post(pipeline, "Build Error", failure, url, () => false)));
  }

  /** Reports no more; what is missing is reported when the stand-in starts again. */
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
    const failed = (error: unknown, next: string): void =>
      this.#log(`status of ${name}: ${errorMessage(error)} (${next})`);
    try {
      await retry(() => this.#send(path, body), {
        pauses: retryMilliseconds,
        isTransient: (error) => !(error instanceof RefusedError) && !isOld(),
        onRetry: (error, pause) => failed(error, `again in ${pause / 1000} s`),
        signal: this.#closed.signal,
      });
      return true;
    } catch (error) {
      if (!this.#closed.signal.aborted && !isOld()) failed(error, "given up");
      return false;
    }
  }

  async #send(path: string, body: string): Promise<void> {
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
    if (response.ok) return;
    const { status } = response;
    const problem = `GitHub answers ${status} for ${path}`;
    throw status >= 400 && status < 500 && status !== 429 ? new RefusedError(problem) : new Error(problem);
  }
}

/** GitHub refuses what is asked, so another attempt cannot go better. */
class RefusedError extends Error {
  override readonly name = "RefusedError";
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
