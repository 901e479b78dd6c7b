import type { Job } from "../../../circleci/pipelines.ts";

/** What runs pipelines. */
type Engine = "CircleCI" | "Tekton";

/** What has happened in a pipeline. */
export type PipelineEvent =
  | { readonly kind: "pipeline"; readonly engine: Engine; readonly name: string }
  | { readonly kind: "started" | "ended"; readonly engine: Engine; readonly job: Job };

/** How a pipeline has ended: `success`, or the status of what went worst in it. */
export interface PipelineEnd {
  /** As its engine calls it. */
  readonly name: string;
  readonly status: string;
  readonly jobs: readonly Job[];
}
