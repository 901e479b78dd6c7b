import { z } from "zod";
import { pipelineDefinitions, projectAt, request, slugPath, type CircleCiAccess } from "./api.ts";
import { jobsOf, newestPipelines, workflowsOf, type Job, type Pipeline, type Workflow } from "./pipelines.ts";

/**
 * The newest pipeline of a commit on a branch.
 * @param branch of a pull request from a fork: `pull/12`
 * @returns `undefined`: none of the newest pipelines of the branch is of it
 */
export async function pipelineOf(
  access: CircleCiAccess,
  projectSlug: string,
  branch: string,
  commit: string,
  signal: AbortSignal,
): Promise<Pipeline | undefined> {
  const found = await newestPipelines(access, slugPath(projectSlug), branch, signal);
  return found.find(({ vcs }) => vcs?.revision === commit);
}

/** A workflow with its jobs. */
interface RunWorkflow extends Workflow {
  readonly jobs: readonly Job[];
}

/** The workflow of a pipeline that has its jobs: the newest one, and not that which has only planned it. */
export async function deliveringWorkflow(
  access: CircleCiAccess,
  pipeline: string,
  signal: AbortSignal,
): Promise<RunWorkflow | undefined> {
  const workflows = await workflowsOf(access, pipeline, signal);
  const newestFirst = workflows
    .filter(({ name }) => name !== "plan")
    .toSorted((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at));
  const [newest] = newestFirst;
  return newest === undefined ? undefined : { ...newest, jobs: await jobsOf(access, newest.id, signal) };
}

/**
 * Runs a workflow again, of the same commit.
 * @param jobs their ids. @default all of them
 * @returns the id of the new workflow
 */
export async function rerunWorkflow(
  access: CircleCiAccess,
  workflow: string,
  jobs: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<string> {
  const body = jobs === undefined ? {} : { jobs };
  const path = `/workflow/${encodeURIComponent(workflow)}/rerun`;
  const schema = z.object({ workflow_id: z.string() });
  return (await request(access, path, { method: "POST", body }, schema, signal)).workflow_id;
}

/** Starts a pipeline of what a branch has now. @returns its number */
export async function startPipeline(
  access: CircleCiAccess,
  projectSlug: string,
  branch: string,
  signal: AbortSignal,
): Promise<number> {
  const slug = slugPath(projectSlug);
  const { id } = await projectAt(access, projectSlug, signal);
  const [definition] = await pipelineDefinitions(access, id, signal);
  if (definition === undefined) throw new Error(`CircleCI's project ${projectSlug} has no pipeline`);
  const body = { definition_id: definition.id, checkout: { branch }, config: { branch } };
  const schema = z.object({ number: z.number() });
  return (await request(access, `/project/${slug}/pipeline/run`, { method: "POST", body }, schema, signal)).number;
}
