import { z } from "zod";
import { askCircleCi, type CircleCiAccess } from "./api.ts";

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

const workflowsSchema = z.object({
  items: z.array(z.object({ id: z.string(), name: z.string(), status: z.string(), created_at: z.string() })),
});
export type Workflow = z.infer<typeof workflowsSchema>["items"][number];

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
  return (await askCircleCi(access, `/project/${projectSlug}/pipeline${query}`, pipelinesSchema, signal)).items;
}

/** The workflows of a pipeline, those that were run again among them. */
export async function workflowsOf(access: CircleCiAccess, pipeline: string, signal: AbortSignal): Promise<Workflow[]> {
  return (await askCircleCi(access, `/pipeline/${pipeline}/workflow`, workflowsSchema, signal)).items;
}
