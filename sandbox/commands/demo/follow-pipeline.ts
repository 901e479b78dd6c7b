import { followCircleCi, type CircleCiProject } from "./follow-circleci.ts";
import { followTekton, type TektonRuns } from "./follow-tekton.ts";
import type { PipelineEnd, PipelineEvent } from "./pipeline-events.ts";

/** Where what runs the pipeline can be asked. */
export type CiAccess = CircleCiProject | TektonRuns;

/**
 * Follows the newest pipeline of a commit until nothing of it runs any more.
 * @throws Error if the pipeline could not start, or `signal` ends the waiting
 */
export function followPipeline(
  ci: CiAccess,
  commit: string,
  onEvent: (event: PipelineEvent) => void,
  signal: AbortSignal,
): Promise<PipelineEnd> {
  return "kubernetes" in ci ? followTekton(ci, commit, onEvent, signal) : followCircleCi(ci, commit, onEvent, signal);
}

/** @throws Error where another engine runs the pipeline */
export function circleCiOf(ci: CiAccess): CircleCiProject {
  if ("kubernetes" in ci) throw new Error("Tekton runs this sandbox's pipeline, and CircleCI is asked");
  return ci;
}
