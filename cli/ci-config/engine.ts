import type { StackSettings } from "../../stacks/schema.ts";
import type { CommandContext } from "../command.ts";
import type { GeneratedFile } from "./generated-files.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Trigger } from "./trigger.ts";

/** What a run is to do. */
export interface RunPlan {
  /** The pipeline with nothing but what has changed. */
  readonly pipeline: Pipeline;
  readonly trigger: Trigger;
  /** Why it fails whatever its jobs come to. @default it need not */
  readonly problem?: string | undefined;
}

/** An engine that runs the pipeline: one writer of its files, and how a run goes on once it is known what has changed. */
export interface CiEngine {
  /** As people write it. */
  readonly title: string;
  /** Where its files are, from the root of the monorepo's checkout. */
  readonly directory: string;
  /** Says what its files are, for `ci-config --help` and the like. */
  readonly purpose: string;
  /** The files that are committed. @throws CommandError if the engine would not take them */
  files(pipeline: Pipeline): readonly GeneratedFile[];
  /** Goes on with a run. @throws CommandError if the engine does not take it */
  continueRun(run: RunPlan, options: ContinueOptions, context: CommandContext): Promise<void>;
  /** Goes on with a run that fails and says why, since nothing else can be planned. @throws CommandError likewise */
  failRun(problem: string, options: ContinueOptions, context: CommandContext): Promise<void>;
}

/** How a run goes on. */
export interface ContinueOptions {
  /** What the stack file says of CI; nothing where it is too wrong to be read. */
  readonly ci: Partial<StackSettings["ci"]>;
  /** What the run tests and builds. */
  readonly commit: string;
  /** Where that was pushed to; `pull/<number>`: to a fork. */
  readonly branch: string;
  /** The monorepo's URL for Git. @default the engine knows it */
  readonly repository?: string | undefined;
  /** The file for the jobs that are to run, one a line. @default the engine is told otherwise */
  readonly plan?: string | undefined;
}
