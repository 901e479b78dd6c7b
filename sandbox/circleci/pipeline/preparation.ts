import { randomUUID } from "node:crypto";
import { ConfigError } from "../config/config-error.ts";
import { compileConfig } from "../config/config.ts";
import type { CompiledWorkflow } from "../config/workflow.ts";
import type { Scalar } from "../config/yaml.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";
import type { SourceMirror } from "./source-mirror.ts";
import { pipelineValues } from "./values.ts";

/**
 * Finds a pipeline's commit and reads its config: its workflows are there afterwards, or the errors that keep it from
 * running.
 *
 * @param baseRevision what was built before on the branch
 */
export async function prepare(
  pipeline: Pipeline,
  mirror: SourceMirror,
  setupAllowed: boolean,
  baseRevision: string | undefined,
): Promise<void> {
  const { trigger } = pipeline;
  try {
    const found = await mirror.find(pipeline.source, trigger.configPath);
    pipeline.source = { ...pipeline.source, revision: found.revision };
    pipeline.values = pipelineValues(pipeline, pipeline.source, found, baseRevision);
    if (found.config === undefined) throw new ConfigError("", `${trigger.configPath} is not in the commit`);
    const compiled = compileConfig(found.config, pipeline);
    if (compiled.setup && !setupAllowed)
      throw new ConfigError("setup", "this project does not allow dynamic config using setup workflows");
    if (compiled.setup) pipeline.continuationKey = randomUUID();
    pipeline.workflows = compiled.workflows.map((workflow) => workflowOf(workflow, compiled.setup ? "setup" : null));
    pipeline.state = compiled.setup ? "setup" : "created";
  } catch (error) {
    refuse(pipeline, error);
  }
}

/**
 * Goes on with a pipeline whose setup config runs.
 *
 * @throws ConfigError when the config cannot be run; the pipeline is errored then
 */
export function continueWith(pipeline: Pipeline, text: string, given: Readonly<Record<string, Scalar>>): void {
  delete pipeline.continuationKey;
  try {
    const { setup, workflows } = compileConfig(text, {
      values: pipeline.values,
      parameters: { ...pipeline.parameters, ...given },
    });
    if (setup) throw new ConfigError("setup", "a pipeline cannot be continued with another setup config");
    pipeline.workflows = [...pipeline.workflows, ...workflows.map((workflow) => workflowOf(workflow, null))];
    pipeline.state = "created";
  } catch (error) {
    refuse(pipeline, error);
    throw error;
  }
}

/** A workflow again: all of it, or only what did not succeed. */
export function rerunOf(workflow: Workflow, fromFailed: boolean): Workflow {
  return {
    ...fresh(workflow.name, workflow.tag, fromFailed ? workflow.workspaceId : randomUUID()),
    jobs: workflow.jobs.map((job) =>
      fromFailed && job.status === "success"
        ? job
        : jobOf({ ...job, requires: [...job.requires], contexts: [...job.contexts] }),
    ),
  };
}

/** As CircleCI shows it: a workflow without jobs, whose name says what is wrong. */
function refuse(pipeline: Pipeline, error: unknown): void {
  pipeline.state = "errored";
  const message = error instanceof Error ? error.message : String(error);
  pipeline.errors = [...pipeline.errors, { type: error instanceof ConfigError ? "config" : "plan", message }];
  const stoppedAt = new Date().toISOString();
  pipeline.workflows = [
    ...pipeline.workflows,
    { ...fresh("Build Error", null, randomUUID()), status: "error", stoppedAt },
  ];
}

function workflowOf({ name, jobs }: CompiledWorkflow, tag: Workflow["tag"]): Workflow {
  return { ...fresh(name, tag, randomUUID()), jobs: jobs.map(jobOf) };
}

function fresh(name: string, tag: Workflow["tag"], workspaceId: string): Workflow {
  const createdAt = new Date().toISOString();
  return { id: randomUUID(), name, tag, workspaceId, status: "running", createdAt, canceled: false, jobs: [] };
}

function jobOf({ name, requires, contexts, definition }: CompiledWorkflow["jobs"][number]): Job {
  const parts = { id: randomUUID(), name, requires, contexts, status: "blocked" as const, steps: [] };
  return definition === undefined ? parts : { ...parts, definition };
}
