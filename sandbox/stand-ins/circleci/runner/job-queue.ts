import { errorMessage } from "../../../../core/error.ts";
import type { State } from "../state.ts";
import { authorize } from "./authorization.ts";
import type { PipelineFolder } from "./pipeline-folder.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";
import { runJob, type JobHost } from "./run-job.ts";
import { servicePorts } from "./services.ts";

interface JobQueueOptions extends Omit<JobHost, "later"> {
  account: () => State;
  folder: PipelineFolder;
  mirrorOf: (pipeline: Pipeline) => string;
  buildUrl: (job: Job) => string;
  /** Called when a job has ended. */
  advance: (pipeline: Pipeline) => void;
  log: (line: string) => void;
  /** How many jobs run at the same time. @default 4 */
  parallelJobs?: number | undefined;
}

interface Running {
  ports: readonly number[];
  abort: AbortController;
  ended: Promise<void>;
}

/** Runs queued jobs, the oldest first; those that need the same port of this machine one after another. */
export class JobQueue {
  readonly #options: JobQueueOptions;
  readonly #running = new Map<string, Running>();
  readonly #closed = new AbortController();
  readonly #later = new Set<Promise<void>>();

  constructor(options: JobQueueOptions) {
    this.#options = options;
  }

  /** Starts as many queued jobs as may run now. */
  fill(): void {
    if (this.#closed.signal.aborted) return;
    const queued = this.#options.folder
      .all()
      .flatMap((pipeline) =>
        pipeline.workflows.flatMap((workflow) => workflow.jobs.map((job) => ({ pipeline, workflow, job }))),
      )
      .filter(({ job }) => job.status === "queued")
      .toSorted((one, other) => (one.job.queuedAt ?? "").localeCompare(other.job.queuedAt ?? ""));
    for (const { pipeline, workflow, job } of queued) {
      if (this.#running.size >= (this.#options.parallelJobs ?? 4)) return;
      this.#tryToStart(pipeline, workflow, job);
    }
  }

  /** Ends a job if it runs. */
  end({ id }: Job): void {
    this.#running.get(id)?.abort.abort();
  }

  /** Ends all; their records stay as they are. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const { abort } of this.#running.values()) abort.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await Promise.all(this.#later);
  }

  #tryToStart(pipeline: Pipeline, workflow: Workflow, job: Job): void {
    const ports = this.#portsOf(pipeline, job);
    if (ports === undefined) return;
    const taken = new Set([...this.#running.values()].flatMap((other) => other.ports));
    if (ports.some((port) => taken.has(port))) return;
    const abort = new AbortController();
    job.status = "running";
    job.number = this.#options.folder.nextNumber(pipeline.projectId, "job");
    job.startedAt = new Date().toISOString();
    const ended = this.#run(pipeline, workflow, job, job.number, abort.signal);
    this.#running.set(job.id, { ports, abort, ended });
    this.#options.folder.save(pipeline);
    queueMicrotask(() => this.#options.advance(pipeline));
  }

  async #run(pipeline: Pipeline, workflow: Workflow, job: Job, number: number, signal: AbortSignal): Promise<void> {
    const { folder, account, log, checkouts, mirrorOf } = this.#options;
    const authorization = authorize(account(), pipeline, job);
    const organizationId = account().projects.find(({ id }) => id === pipeline.projectId)?.organizationId ?? "";
    const run = async (): Promise<Job["status"]> => {
      if ("refusal" in authorization || job.definition === undefined) return "unauthorized";
      return runJob(this.#host, {
        pipeline,
        workflow,
        job: Object.assign(job, { number }),
        definition: job.definition,
        pipelineFolder: folder.folderOf(pipeline),
        mirror: mirrorOf(pipeline),
        secrets: authorization.variables,
        organizationId,
        buildUrl: this.#options.buildUrl(job),
        signal,
        changed: () => folder.save(pipeline),
      });
    };
    const status = await run().catch((error: unknown): Job["status"] => {
      this.#fail(job, error);
      log(`job ${number} ${job.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return "infrastructure_fail";
    });
    this.#running.delete(job.id);
    // Its record stays: the next start finds it running, and marks it as failed.
    if (this.#closed.signal.aborted) return;
    job.status = status;
    job.stoppedAt = new Date().toISOString();
    log(`job ${number} ${job.name}: ${status}`);
    this.#options.advance(pipeline);
    if (this.#isIdle()) this.#host.later(() => checkouts.refill(mirrorOf(pipeline), () => this.#isIdle()));
  }

  #isIdle(): boolean {
    return this.#running.size === 0 && !this.#closed.signal.aborted;
  }

  get #host(): JobHost {
    const later: JobHost["later"] = (work) => {
      const done: Promise<void> = work()
        .catch((error: unknown) => this.#options.log(String(error)))
        .finally(() => this.#later.delete(done));
      this.#later.add(done);
    };
    return { ...this.#options, later };
  }

  /** `undefined`: the job cannot run at all, and has ended. */
  #portsOf(pipeline: Pipeline, job: Job): number[] | undefined {
    try {
      return job.definition === undefined ? [] : servicePorts(job.definition);
    } catch (error) {
      this.#fail(job, error);
      queueMicrotask(() => this.#options.advance(pipeline));
      return undefined;
    }
  }

  #fail(job: Job, error: unknown): void {
    job.status = "infrastructure_fail";
    job.message = errorMessage(error);
    job.stoppedAt = new Date().toISOString();
  }
}
