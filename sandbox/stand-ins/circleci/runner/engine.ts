import { join } from "node:path";
import type { Scalar } from "../../../../circleci/yaml.ts";
import type { Project, State } from "../state.ts";
import { CheckoutPool } from "./checkout-pool.ts";
import { StatusReports, withPullRequest, type GitHubAccess } from "./github.ts";
import { removeLeftovers } from "./job-environment.ts";
import { JobQueue } from "./job-queue.ts";
import { PipelineFolder } from "./pipeline-folder.ts";
import { continuePipeline, newPipeline, preparePipeline, rerunOf, type Rerun } from "./prepare-pipeline.ts";
import type { Job, Pipeline, PipelineStart, Workflow } from "./records.ts";
import type { JobHost } from "./run-job.ts";
import { SourceMirror } from "./source-mirror.ts";
import { advanceWorkflow, cancelWorkflow } from "./workflow.ts";

interface EngineOptions extends Omit<JobHost, "later" | "checkouts"> {
  /** The account as it is now. */
  account: () => State;
  /** Where statuses are reported. @default nowhere */
  github?: GitHubAccess | undefined;
  /** Where this server is reached. */
  origin: string;
  log: (line: string) => void;
  /** @default 4 */
  parallelJobs?: number | undefined;
}

/** Starts pipelines, runs their jobs in order, and reports to GitHub. All but running jobs survives the process. */
export class PipelineEngine {
  readonly folder: PipelineFolder;
  readonly #options: EngineOptions;
  readonly #mirror: SourceMirror;
  readonly #queue: JobQueue;
  readonly #reports: StatusReports | undefined;
  readonly #preparing = new Set<Promise<void>>();

  constructor(options: EngineOptions) {
    const { root, github, log } = options;
    this.#options = options;
    this.folder = new PipelineFolder(root);
    this.#mirror = new SourceMirror(join(root, "repositories"));
    this.#reports = github && new StatusReports(github, log);
    this.#queue = new JobQueue({
      ...options,
      folder: this.folder,
      checkouts: new CheckoutPool(join(root, "checkouts")),
      mirrorOf: (pipeline) => this.#mirror.pathOf(pipeline.source),
      buildUrl: (job) => this.jobUrl(job),
      advance: (pipeline) => this.advance(pipeline),
    });
    removeLeftovers(join(root, "work"));
    for (const pipeline of this.folder.all()) this.#recover(pipeline);
  }

  /** Where a person reads a job's output, without a token: only who may read it is told its id. */
  jobUrl({ id }: Job): string {
    return `${this.#options.origin}/output/${id}`;
  }

  start(start: PipelineStart): Pipeline {
    const { projectId } = start;
    const project = this.#project(projectId);
    if (project === undefined) throw new Error(`there is no project ${projectId}`);
    const pipeline = newPipeline(start, this.folder.nextNumber(projectId, "pipeline"), this.#options.account());
    const older = pipeline.autoCancel ? siblingsOf(pipeline, this.folder.all()) : [];
    for (const one of older) if (one.autoCancel) this.cancel(one);
    this.folder.add(pipeline);
    this.#prepare(pipeline, project);
    return pipeline;
  }

  /** @throws ConfigError */
  continue(pipeline: Pipeline, config: string, parameters: Readonly<Record<string, Scalar>>): void {
    try {
      continuePipeline(pipeline, config, parameters);
    } catch (error) {
      this.#reportBuildError(pipeline);
      throw error;
    } finally {
      this.advance(pipeline);
    }
  }

  approve(pipeline: Pipeline, job: Job): void {
    job.status = "success";
    job.stoppedAt = new Date().toISOString();
    this.advance(pipeline);
  }

  /** @param workflows @default all of the pipeline */
  cancel(pipeline: Pipeline, workflows: readonly Workflow[] = pipeline.workflows): void {
    for (const workflow of workflows) if (workflow.stoppedAt === undefined) cancelWorkflow(workflow, this.#queue);
    if (pipeline.state === "setup") delete pipeline.continuationKey;
    this.advance(pipeline);
  }

  rerun(pipeline: Pipeline, workflow: Workflow, what: Rerun): Workflow {
    const again = rerunOf(workflow, what);
    pipeline.workflows = [...pipeline.workflows, again];
    this.advance(pipeline);
    return again;
  }

  /** Starts what can start in a pipeline, after anything has changed in it. */
  advance(pipeline: Pipeline): void {
    for (const workflow of pipeline.workflows) {
      if (workflow.stoppedAt === undefined) advanceWorkflow(this.#options.account(), pipeline, workflow);
      for (const job of workflow.jobs) this.#report(pipeline, job);
    }
    this.folder.save(pipeline);
    this.#queue.fill();
  }

  /** Ends all jobs. The next start finds them running, and says that they did not get to their end. */
  async close(): Promise<void> {
    await this.#queue.close();
    await Promise.all([...this.#preparing, this.#reports?.close()]);
  }

  #prepare(pipeline: Pipeline, project: Project): void {
    const previous = siblingsOf(pipeline, this.folder.all()).findLast(({ source }) => source.revision !== "");
    const done = this.#prepared(pipeline, project, previous?.source.revision);
    this.#preparing.add(done);
    void done.finally(() => this.#preparing.delete(done));
  }

  async #prepared(pipeline: Pipeline, project: Project, baseRevision: string | undefined): Promise<void> {
    const { github, log } = this.#options;
    pipeline.source = await withPullRequest(pipeline.source, github, log);
    await preparePipeline(pipeline, this.#mirror, project.settings.setup_workflows, baseRevision);
    const { number, state, errors, source } = pipeline;
    const problem = errors[0] === undefined ? "" : `: ${errors[0].message}`;
    log(`pipeline ${number} for ${source.branch ?? source.tag ?? ""}: ${state}${problem}`);
    if (state === "errored") this.#reportBuildError(pipeline);
    this.advance(pipeline);
    const newer = siblingsOf(pipeline, this.folder.all()).some((other) => other.number > number && other.autoCancel);
    if (newer && pipeline.autoCancel) this.cancel(pipeline);
  }

  /** After a start: jobs that were running are lost, everything else goes on. */
  #recover(pipeline: Pipeline): void {
    const project = this.#project(pipeline.projectId);
    if (pipeline.state === "pending" && project !== undefined) return this.#prepare(pipeline, project);
    failInterruptedJobs(pipeline);
    this.advance(pipeline);
  }

  #report(pipeline: Pipeline, job: Job): void {
    if (this.#project(pipeline.projectId)?.settings.set_github_status !== true) return;
    this.#reports?.job(pipeline, job, this.jobUrl(job), () => this.folder.save(pipeline));
  }

  #reportBuildError(pipeline: Pipeline): void {
    const url = `${this.#options.origin}/api/v2/pipeline/${pipeline.id}`;
    const reports = this.#project(pipeline.projectId)?.settings.set_github_status === true;
    if (reports && pipeline.source.revision !== "") this.#reports?.buildError(pipeline, url);
  }

  #project(projectId: string): Project | undefined {
    return this.#options.account().projects.find(({ id }) => id === projectId);
  }
}

/** The other pipelines of the same definition and branch; the newest last. */
function siblingsOf({ id, projectId, trigger, source }: Pipeline, all: readonly Pipeline[]): Pipeline[] {
  return all.filter(
    (other) =>
      other.id !== id &&
      other.projectId === projectId &&
      other.trigger.definitionId === trigger.definitionId &&
      other.source.branch === source.branch,
  );
}

/** Jobs that ran when the stand-in was stopped did not get to their end. */
function failInterruptedJobs(pipeline: Pipeline): void {
  const stoppedAt = new Date().toISOString();
  for (const job of pipeline.workflows.flatMap(({ jobs }) => jobs)) {
    if (job.status !== "running") continue;
    Object.assign(job, {
      status: "infrastructure_fail",
      message: "CircleCI was stopped while the job ran.",
      stoppedAt,
    });
    for (const step of job.steps) if (step.status === "running") step.status = "infrastructure_fail";
  }
}
