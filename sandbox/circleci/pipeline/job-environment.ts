import { join } from "node:path";
import type { CompiledJob } from "../config/job.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";

export interface JobEnvironmentOptions {
  pipeline: Pipeline;
  workflow: Workflow;
  job: Job;
  definition: CompiledJob;
  /** The job's folder: home, temporary files. */
  folder: string;
  directory: string;
  /** What the executor's image brings, e.g. PATH. */
  image: Readonly<Record<string, string>>;
  /** The project's and the contexts' variables. */
  secrets: Readonly<Record<string, string>>;
  /** Where its log can be read. */
  buildUrl: string;
  organizationId: string;
}

/**
 * The environment of a job; of the stand-in's own nothing gets in. The later wins.
 * Source: https://circleci.com/docs/variables/, https://circleci.com/docs/env-vars/#order-of-precedence
 */
export function jobEnvironment(options: JobEnvironmentOptions): Record<string, string> {
  const { folder, image, secrets, definition } = options;
  return {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ...image,
    ...secrets,
    HOME: join(folder, "home"),
    TMPDIR: join(folder, "tmp"),
    BASH_ENV: join(folder, "bash-env"),
    ...builtIn(options),
    ...definition.environment,
  };
}

/** A variable that every process of a job inherits, with a value of its own for each job. */
export function jobMark(folder: string): { name: string; value: string } {
  return { name: "CIRCLE_INTERNAL_TASK_DATA", value: join(folder, "task") };
}

function builtIn(options: JobEnvironmentOptions): Record<string, string> {
  const { pipeline, workflow, job, folder, directory, buildUrl, organizationId } = options;
  const { source, trigger } = pipeline;
  const [owner = "", name = ""] = source.fullName.split("/");
  const mark = jobMark(folder);
  const key = workflow.tag === "setup" ? pipeline.continuationKey : undefined;
  return {
    CI: "true",
    CIRCLECI: "true",
    ...(source.branch === undefined ? {} : { CIRCLE_BRANCH: source.branch }),
    ...(source.tag === undefined ? {} : { CIRCLE_TAG: source.tag }),
    CIRCLE_BUILD_NUM: String(job.number ?? 0),
    CIRCLE_BUILD_URL: buildUrl,
    CIRCLE_JOB: job.name,
    CIRCLE_NODE_INDEX: "0",
    CIRCLE_NODE_TOTAL: "1",
    CIRCLE_ORGANIZATION_ID: organizationId,
    CIRCLE_PIPELINE_ID: pipeline.id,
    CIRCLE_PROJECT_ID: pipeline.projectId,
    CIRCLE_PROJECT_REPONAME: name,
    CIRCLE_PROJECT_USERNAME: owner,
    CIRCLE_REPOSITORY_URL: source.cloneUrl,
    CIRCLE_SHA1: source.revision,
    CIRCLE_USERNAME: trigger.type,
    CIRCLE_WORKFLOW_ID: workflow.id,
    CIRCLE_WORKFLOW_JOB_ID: job.id,
    CIRCLE_WORKFLOW_WORKSPACE_ID: workflow.workspaceId,
    CIRCLE_WORKING_DIRECTORY: directory,
    [mark.name]: mark.value,
    ...(source.pullRequestUrl === undefined ? {} : { CIRCLE_PULL_REQUEST: source.pullRequestUrl }),
    ...(source.fork === undefined ? {} : forkVariables(source.branch, source.fork.fullName)),
    ...(key === undefined ? {} : { CIRCLE_CONTINUATION_KEY: key }),
  };
}

/** Only pull requests of forks have these. */
function forkVariables(branch: string | undefined, fullName: string): Record<string, string> {
  const [owner = "", name = ""] = fullName.split("/");
  return {
    CIRCLE_PR_NUMBER: branch?.replace("pull/", "") ?? "",
    CIRCLE_PR_USERNAME: owner,
    CIRCLE_PR_REPONAME: name,
  };
}
