import { z } from "zod";
import { get, list, type CircleCiAccess } from "./api.ts";

const pipelinesSchema = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      number: z.number(),
      state: z.string(),
      errors: z.array(z.object({ message: z.string() })).default([]),
      trigger: z.object({ type: z.string() }).optional(),
      vcs: z.object({ revision: z.string().optional() }).optional(),
    }),
  ),
});
/** A pipeline of a project; its state says whether it was accepted, its workflows say how it went. */
export type Pipeline = z.infer<typeof pipelinesSchema>["items"][number];

/**
 * The newest pipelines of a project, the newest first.
 * @param branch @default all branches
 */
export async function newestPipelines(
  access: CircleCiAccess,
  projectSlug: string,
  branch: string | undefined,
  signal: AbortSignal,
): Promise<Pipeline[]> {
  const query = branch === undefined ? "" : `?branch=${encodeURIComponent(branch)}`;
  return (await get(access, `/project/${projectSlug}/pipeline${query}`, pipelinesSchema, signal)).items;
}

const workflowsSchema = z.object({
  items: z.array(z.object({ id: z.string(), name: z.string(), status: z.string(), created_at: z.string() })),
});
export type Workflow = z.infer<typeof workflowsSchema>["items"][number];

/** The workflows of a pipeline, those that were run again among them. */
export async function workflowsOf(access: CircleCiAccess, pipeline: string, signal: AbortSignal): Promise<Workflow[]> {
  return (await get(access, `/pipeline/${pipeline}/workflow`, workflowsSchema, signal)).items;
}

const time = z
  .string()
  .nullish()
  .transform((text) => (text === null || text === undefined ? undefined : Date.parse(text)));
const jobSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.string(),
    status: z.string(),
    job_number: z.number().optional(),
    started_at: time,
    stopped_at: time,
  })
  .transform(({ job_number: number, started_at: startedAt, stopped_at: stoppedAt, ...job }) => ({
    ...job,
    number,
    startedAt,
    stoppedAt,
  }));
/** A job of a workflow, of type `build` or `approval`; times in milliseconds since 1970. */
export type Job = z.infer<typeof jobSchema>;

export function jobsOf(access: CircleCiAccess, workflow: string, signal: AbortSignal): Promise<Job[]> {
  return list(access, `/workflow/${workflow}/job`, jobSchema, signal);
}

const stepsSchema = z.object({
  steps: z.array(z.object({ name: z.string(), actions: z.array(z.object({ run_time_millis: z.number() })) })),
});

/**
 * How long the steps of a job took, in milliseconds. API v2 does not know them; v1.1 does.
 * Source: https://circleci.com/docs/api/v1/ (single job)
 */
export async function stepDurations(
  { host, token }: CircleCiAccess,
  projectSlug: string,
  jobNumber: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const access = { host: host.replace(/\/v2$/, "/v1.1"), token };
  const { steps } = await get(access, `/project/${projectSlug}/${jobNumber}`, stepsSchema, signal);
  return new Map(
    steps.flatMap(({ name, actions: [action] }) => (action === undefined ? [] : [[name, action.run_time_millis]])),
  );
}
