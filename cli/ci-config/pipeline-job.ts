import type { Batch } from "./batches.ts";
import type { Pipeline } from "./pipeline.ts";

/** What a job does. Each kind has its steps in `job-steps.ts`; `approval` has none: it waits for a person. */
export type JobKind =
  | "test"
  | "test-in-image"
  | "prepare-image"
  | "build"
  | "build-only"
  | "release"
  | "release-waiting"
  | "verify"
  | "propose"
  | "approval"
  | "decide"
  | "promote"
  | "tag"
  | "publish-state"
  | "preview"
  | "preview-of-fork"
  | "preview-environment"
  | "tidy-preview-environments"
  | "drift";

/** A job of a run, whichever engine runs it. */
export interface PipelineJob {
  readonly kind: JobKind;
  /** What it is called in the run, and reports as. */
  readonly name: string;
  /** The names of those that must have succeeded before. @default it starts at once */
  readonly requires?: readonly string[];
  /** Where its credentials are; of two that hold the same variable, the later counts. @default none */
  readonly contexts?: readonly string[];
  /** The services that it tests, prepares or builds. @default none */
  readonly batch?: Batch;
  /** The environment that it is about. @default none */
  readonly environment?: string;
  /** The archives of files that were made for its images, each of job `prepare-<archive>`. @default none */
  readonly prepared?: readonly string[];
  /** Whether its images are made from some of this run, whose digests it takes over; of `preview-environment`: whether there are any. @default false */
  readonly takesDigests?: boolean;
  /** What `delivery promote`, `approve` or `verify` is told. @default nothing */
  readonly options?: string;
  /** Whether it takes over what a person has approved. @default false */
  readonly approved?: boolean;
}

/** What the jobs of a run are made from. */
export interface RunArgs {
  readonly pipeline: Pipeline;
  /** How many services a job may test or build: 1 as long as the engine takes so many jobs. */
  readonly perJob: number;
  /** Whether the engine has jobs that wait for a person; where it has none, a pull request to the deploy repository asks. */
  readonly approvals: boolean;
}
