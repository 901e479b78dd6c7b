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
  continueRun(plan: RunPlan, ci: CiSettings, context: CommandContext): Promise<void>;
  /** Goes on with a run that fails and says why, since nothing else can be planned. @throws CommandError likewise */
  failRun(problem: string, ci: CiSettings, context: CommandContext): Promise<void>;
}

/** What the stack file says of CI; nothing where it is too wrong to be read. */
export type CiSettings = Partial<StackSettings["ci"]>;
