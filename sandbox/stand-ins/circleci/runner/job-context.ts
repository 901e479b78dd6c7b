import { isAbsolute, join, relative } from "node:path";
import type { CompiledJob } from "../config/job.ts";
import type { CheckoutPool } from "./checkout-pool.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";

/** Everything that the steps of a running job see. */
export interface JobContext {
  pipeline: Pipeline;
  workflow: Workflow;
  job: Job;
  definition: CompiledJob;
  /** The job's own, removed after it. */
  home: string;
  /** Where its steps run. */
  directory: string;
  /** What its commands get; steps may add to it. */
  environment: Record<string, string>;
  /** The pipeline's folder: workspaces, logs, artifacts. */
  pipelineFolder: string;
  /** The job's part of it. */
  logFolder: string;
  /** The folder of the project's caches, or of those of a fork. */
  cacheFolder: string;
  /** The copy of the repository that it checks out. */
  mirror: string;
  /** Checkouts of it that are there already. */
  checkouts: CheckoutPool;
  signal: AbortSignal;
}

/** How a step ended. */
export type StepEnd = {
  status: "success" | "failed" | "timedout" | "canceled" | "infrastructure_fail";
  exitCode?: number;
};

/** Writes to the step's log. */
export type Print = (text: string) => void;

/** A path of the config: `~` is the job's home, everything else counts from its working directory. */
export function pathInJob({ home, directory }: Pick<JobContext, "home" | "directory">, path: string): string {
  if (path === "~" || path.startsWith("~/")) return join(home, path.slice(1));
  return isAbsolute(path) ? path : join(directory, path);
}

/** The same path in another job: below its home, wherever that is. */
export function portablePath({ home }: Pick<JobContext, "home">, path: string): string {
  const inHome = relative(home, path);
  return inHome.startsWith("..") ? path : join("~", inHome);
}
