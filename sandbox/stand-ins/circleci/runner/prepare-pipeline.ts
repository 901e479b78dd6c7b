import { randomUUID } from "node:crypto";
import { errorMessage } from "../../../../core/error.ts";
import { compileConfig } from "../config/config.ts";
import type { CompiledWorkflow } from "../config/workflow.ts";
import { ConfigError, type Scalar } from "../../../../circleci/yaml.ts";
import { projectSlug, type State } from "../state.ts";
import type { Job, Pipeline, PipelineSource, PipelineStart, Workflow } from "./records.ts";
import type { FoundCommit, SourceMirror } from "./source-mirror.ts";

/** A pipeline before its config is read. @throws Error when its project is not there */
export function newPipeline(
  { projectId, trigger, source, parameters }: PipelineStart,
  number: number,
  { projects, organizations }: State,
): Pipeline {
  const project = projects.find(({ id }) => id === projectId);
  const organization = organizations.find(({ id }) => id === project?.organizationId);
  if (project === undefined || organization === undefined) throw new Error(`there is no project ${projectId}`);
  const now = new Date().toISOString();
  const isCancelable =
    trigger.type !== "schedule" && source.branch !== undefined && source.branch !== source.defaultBranch;
  return {
    id: randomUUID(),
    number,
    projectId,
    projectSlug: projectSlug(project, organization),
    state: "pending",
    errors: [],
    createdAt: now,
    updatedAt: now,
    trigger,
    source,
    parameters,
    values: {},
    // Source: https://circleci.com/docs/skip-build/#auto-cancel
    autoCancel: project.settings.autocancel_builds && isCancelable,
    workflows: [],
  };
}

/**
 * Finds a pipeline's commit and reads its config: its workflows are there afterwards, or the errors that keep it from
 * running.
 *
 * @param baseRevision what was built before on the branch
 */
export async function preparePipeline(
  pipeline: Pipeline,
  mirror: SourceMirror,
  setupAllowed: boolean,
  baseRevision: string | undefined,
): Promise<void> {
  const { trigger } = pipeline;
  try {
    const found = await mirror.find(pipeline.source, trigger);
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
    markErrored(pipeline, error);
  }
}

/**
 * Goes on with a pipeline whose setup config runs.
 *
 * @throws ConfigError when the config cannot be run; the pipeline is errored then
 */
export function continuePipeline(pipeline: Pipeline, text: string, given: Readonly<Record<string, Scalar>>): void {
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
    markErrored(pipeline, error);
    throw error;
  }
}

/** What of a workflow runs again. */
export interface Rerun {
  /** Only what did not succeed. @default all of it */
  readonly fromFailed: boolean;
  /** Only these, by id. @default as `fromFailed` says */
  readonly jobs?: readonly string[] | undefined;
  /** Whether a person may log in where these jobs run. @default false */
  readonly ssh?: boolean;
}

/** A workflow again. What does not run again is taken for what it was. */
export function rerunOf(workflow: Workflow, { fromFailed, jobs, ssh = false }: Rerun): Workflow {
  const isKept = ({ id, status }: Job): boolean =>
    jobs === undefined ? fromFailed && status === "success" : !jobs.includes(id);
  const isPartial = fromFailed || jobs !== undefined;
  return {
    ...newWorkflow(workflow.name, workflow.tag, isPartial ? workflow.workspaceId : randomUUID()),
    jobs: workflow.jobs.map((job) => {
      if (isKept(job)) return job;
      const again = jobOf({ ...job, requires: [...job.requires], contexts: [...job.contexts] });
      return ssh ? { ...again, ssh } : again;
    }),
  };
}

/** As CircleCI shows it: a workflow without jobs, whose name says what is wrong. */
function markErrored(pipeline: Pipeline, error: unknown): void {
  pipeline.state = "errored";
  const message = errorMessage(error);
  pipeline.errors = [...pipeline.errors, { type: error instanceof ConfigError ? "config" : "plan", message }];
  const stoppedAt = new Date().toISOString();
  pipeline.workflows = [
    ...pipeline.workflows,
    { ...newWorkflow("Build Error", null, randomUUID()), status: "error", stoppedAt },
  ];
}

function workflowOf({ name, jobs }: CompiledWorkflow, tag: Workflow["tag"]): Workflow {
  return { ...newWorkflow(name, tag, randomUUID()), jobs: jobs.map(jobOf) };
}

function newWorkflow(name: string, tag: Workflow["tag"], workspaceId: string): Workflow {
  const createdAt = new Date().toISOString();
  return { id: randomUUID(), name, tag, workspaceId, status: "running", createdAt, canceled: false, jobs: [] };
}

function jobOf({ name, requires, contexts, definition }: CompiledWorkflow["jobs"][number]): Job {
  const parts = { id: randomUUID(), name, requires, contexts, status: "blocked" as const, steps: [] };
  return definition === undefined ? parts : { ...parts, definition };
}

/** Set only for events of some kind; in a config they read as not set elsewhere, rather than as unknown. */
const unsetValues = Object.fromEntries(
  [
    "event.github.after",
    "event.github.ref",
    "event.github.label.name",
    ...["base.ref", "base.sha", "head.ref", "head.sha", "draft", "title", "number", "merged", "url"].map(
      (name) => `event.github.pull_request.${name}`,
    ),
    "schedule.name",
    "schedule.id",
    ...["component_name", "environment_name", "namespace", "current_version", "target_version", "reason"].map(
      (name) => `deploy.${name}`,
    ),
  ].map((name) => [name, null]),
);

/**
 * The pipeline values, without `pipeline.`; `null`: not set for this one.
 * Source: https://circleci.com/docs/variables/#pipeline-values
 *
 * @param baseRevision what was built before on the branch
 */
function pipelineValues(
  pipeline: Pick<Pipeline, "id" | "number" | "projectSlug" | "trigger">,
  source: PipelineSource,
  found: FoundCommit,
  baseRevision: string | undefined,
): Record<string, Scalar> {
  const { trigger } = pipeline;
  const [owner = "", name = ""] = source.fullName.split("/");
  return {
    ...unsetValues,
    id: pipeline.id,
    number: pipeline.number,
    "definition.id": trigger.definitionId,
    "project.slug": pipeline.projectSlug,
    "project.type": "github",
    "project.git_url": source.cloneUrl.replace(/\.git$/, ""),
    "git.branch": source.branch ?? null,
    "git.branch.is_default": source.branch === source.defaultBranch,
    "git.tag": source.tag ?? null,
    "git.revision": source.revision,
    "git.base_revision": baseRevision ?? null,
    "git.repo_url": source.cloneUrl.replace(/\.git$/, ""),
    "git.repo_owner": owner,
    "git.repo_name": name,
    "git.repo_id": source.repositoryId,
    "git.commit.subject": found.subject,
    "git.commit.body": found.body,
    "config.file_path": trigger.configPath,
    "config.ref": trigger.configBranch ?? source.branch ?? source.tag ?? null,
    "config.sha": found.configRevision,
    // `api` where somebody has sent the config itself, which a project with a setup config does not take.
    config_source: "vcs",
    "trigger.type": trigger.provider,
    "trigger.id": trigger.triggerId ?? null,
    "trigger.received_at": trigger.receivedAt,
    trigger_source: trigger.type,
    "event.name": trigger.event,
    "event.action": trigger.action,
    "event.context.github.pr_url": source.pullRequestUrl ?? null,
    "trigger_parameters.github_app.branch": source.branch ?? null,
    "trigger_parameters.github_app.commit_sha": source.revision,
    "trigger_parameters.github_app.repo_name": name,
    ...trigger.values,
  };
}
