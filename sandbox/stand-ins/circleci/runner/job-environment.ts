import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasErrorCode } from "../../../../core/error.ts";
import { outputOf } from "../../../../core/process.ts";
import { pidsWith } from "../../../machine/process-identity.ts";
import { agentDirectory, makeAgentCommand } from "./agent-command.ts";
import type { CompiledJob } from "../config/job.ts";
import type { Job, Pipeline, Workflow } from "./records.ts";

interface JobEnvironmentOptions {
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
 * The environment of a job; it has nothing of the stand-in's own. The later wins.
 * Source: https://circleci.com/docs/variables/, https://circleci.com/docs/env-vars/#order-of-precedence
 */
export function jobEnvironment(options: JobEnvironmentOptions): Record<string, string> {
  const { folder, image, secrets, definition } = options;
  const { PATH: path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } = image;
  return {
    ...image,
    PATH: `${agentDirectory(folder)}:${path}`,
    ...secrets,
    HOME: join(folder, "home"),
    TMPDIR: join(folder, "tmp"),
    BASH_ENV: join(folder, "bash-env"),
    ...builtIn(options),
    ...definition.environment,
  };
}

/** A variable that every process of a job inherits, with a value of its own for each job. */
function jobMark(folder: string): { name: string; value: string } {
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

const killSeconds = 5;

/** A fresh home for a job, and a folder for its temporary files. */
export function makeJobFolder(work: string, job: { number: number; id: string }): string {
  const folder = join(work, `${job.number}-${job.id.slice(0, 8)}`);
  for (const sub of ["home", "tmp", "task"]) mkdirSync(join(folder, sub), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "bash-env"), "", { mode: 0o600 });
  makeAgentCommand(folder);
  return folder;
}

/** What the end of a job's container does: no process of it is left. */
export async function endProcesses(folder: string): Promise<void> {
  for (const deadline = Date.now() + killSeconds * 1000; killProcesses(folder) > 0 && Date.now() < deadline;)
    await sleep(20);
}

/** Removes the files of a job that has ended. It yields to jobs that run: what npm has installed are tens of thousands. */
export async function removeJobFolder(folder: string): Promise<void> {
  await outputOf("nice", ["-n", "19", "rm", "-rf", "--", folder]);
}

/** The same for jobs that were running when the stand-in was killed. */
export function removeLeftovers(work: string): void {
  for (const name of existsSync(work) ? readdirSync(work) : []) {
    killProcesses(join(work, name));
    rmSync(join(work, name), { recursive: true, force: true, maxRetries: 3 });
  }
}

/** @returns how many there were */
function killProcesses(folder: string): number {
  const mark = jobMark(folder);
  const pids = pidsWith(mark.name, mark.value);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!hasErrorCode(error, "ESRCH")) throw error;
    }
  }
  return pids.length;
}
