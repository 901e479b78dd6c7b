import type { CompiledJob } from "../config/job.ts";
import type { Requirement } from "../config/workflow.ts";
import type { Scalar } from "../../../../circleci/yaml.ts";

/** Source: https://circleci.com/docs/api/v2/ (schema of a job's status), those that jobs have here. */
export type JobStatus =
  | "blocked"
  | "queued"
  | "running"
  | "on_hold"
  | "success"
  | "failed"
  | "timedout"
  | "infrastructure_fail"
  | "canceled"
  | "unauthorized"
  | "not_run";

export type WorkflowStatus =
  | "running"
  | "failing"
  | "on_hold"
  | "success"
  | "failed"
  | "error"
  | "canceled"
  | "unauthorized"
  | "not_run";

/** A pipeline with all that happens in it; its file is this as JSON. Times are ISO 8601 in UTC, ids are UUIDs. */
export interface Pipeline {
  readonly id: string;
  /** Counts up within the project. */
  readonly number: number;
  readonly projectId: string;
  readonly projectSlug: string;
  /** `pending`: its config is being read; `setup`: its first config runs and may continue it. */
  state: "pending" | "setup" | "created" | "errored";
  errors: { type: "config" | "plan"; message: string }[];
  readonly createdAt: string;
  updatedAt: string;
  readonly trigger: PipelineTrigger;
  source: PipelineSource;
  readonly parameters: Record<string, Scalar>;
  /** Pipeline values, without `pipeline.`; complete once the config is read. */
  values: Record<string, Scalar>;
  /** With which a job of the setup config continues the pipeline, once. */
  continuationKey?: string;
  /** Whether a newer pipeline of the branch cancels it. */
  readonly autoCancel: boolean;
  workflows: Workflow[];
}

export interface PipelineTrigger {
  /** As the API shows it. */
  readonly type: "webhook" | "api" | "schedule";
  /** Of the pipeline value `trigger.type`, e.g. `github_app`. */
  readonly provider: string;
  readonly triggerId?: string;
  /** The webhook's, by which it is known when it comes again. */
  readonly delivery?: string;
  readonly definitionId: string;
  /** Path of the config in the repository. */
  readonly configPath: string;
  /** The branch that the config comes from. @default what is built */
  readonly configBranch?: string;
  readonly receivedAt: string;
  readonly event: string;
  readonly action: string;
  /** Further pipeline values that the event brings, without `pipeline.`. */
  readonly values: Record<string, Scalar>;
}

/** The commit that is built. */
export interface PipelineSource {
  readonly repositoryId: string;
  readonly fullName: string;
  readonly cloneUrl: string;
  readonly defaultBranch: string;
  /** For a pull request of a fork `pull/NUMBER`. */
  readonly branch?: string;
  readonly tag?: string;
  /** Empty until it is known what the branch points at. */
  readonly revision: string;
  readonly pullRequestUrl?: string;
  /** Where the commit of a fork's pull request is. */
  readonly fork?: { readonly fullName: string; readonly cloneUrl: string; readonly ref: string };
}

export interface Workflow {
  readonly id: string;
  readonly name: string;
  /** `setup` for that of the setup config. */
  readonly tag: "setup" | null;
  /** Kept by a rerun, which goes on with what the first run left there. */
  readonly workspaceId: string;
  status: WorkflowStatus;
  readonly createdAt: string;
  stoppedAt?: string;
  /** Whether someone has canceled it: nothing starts any more. */
  canceled: boolean;
  jobs: Job[];
}

export interface Job {
  readonly id: string;
  readonly name: string;
  readonly requires: readonly Requirement[];
  readonly contexts: readonly string[];
  /** Whether a person may log in where it runs. @default false */
  readonly ssh?: boolean;
  /** What runs; without it the job is an approval. */
  readonly definition?: CompiledJob;
  status: JobStatus;
  /** Counts up within the project; given at the start. */
  number?: number;
  queuedAt?: string;
  startedAt?: string;
  stoppedAt?: string;
  /** Why it is unauthorized, or could not be run. */
  message?: string;
  steps: StepRecord[];
  /** The status that was last reported to GitHub. */
  reported?: string;
}

export interface StepRecord {
  readonly name: string;
  readonly type: string;
  status: "running" | "success" | "failed" | "timedout" | "canceled" | "infrastructure_fail";
  readonly startedAt: string;
  stoppedAt?: string;
  exitCode?: number;
}

/** What a pipeline is to be started with. */
export interface PipelineStart {
  projectId: string;
  trigger: PipelineTrigger;
  source: PipelineSource;
  parameters: Record<string, string | number | boolean>;
}
