import { contextRestrictions, findContext, type CircleCiAccess } from "../../circleci/api.ts";
import { newestPipelines, workflowsOf, type Workflow } from "../../circleci/pipelines.ts";
import type { Stage, State } from "./model.ts";

export interface CiLocation extends CircleCiAccess {
  /** @default another engine than CircleCI runs the pipeline */
  readonly organizationId?: string | undefined;
  /** The environment's context. */
  readonly context: string;
  /** `vcs/organization/project`. @default that of the project to which the context is restricted */
  readonly projectSlug?: string | undefined;
  /** The branch whose pipelines deliver. @default the newest of any branch */
  readonly branch?: string | undefined;
}

/** What CI comes to, in a few words. */
export type CiState = Pick<Stage, "state" | "summary">;

/** Whether CI has what it needs for the environment, and the state of its newest pipeline. Source: https://circleci.com/docs/api/v2/ */
export async function readCi(location: CiLocation, signal: AbortSignal): Promise<CiState> {
  if (location.organizationId === undefined) return { state: "unknown", summary: "runs elsewhere, which is not asked" };
  const context = await findContext(location, location.organizationId, location.context, signal);
  if (context === undefined) return { state: "failed", summary: `no context ${location.context}` };
  const slug = location.projectSlug ?? (await restrictedProject(location, context, signal));
  if (slug === undefined) return { state: "ok", summary: `context ${location.context}` };
  const pipelines = await newestPipelines(location, slug, location.branch, signal);
  // Scheduled pipelines look for drift, and deliver nothing.
  const newest = pipelines.find(({ trigger }) => trigger?.type.startsWith("schedule") !== true);
  if (newest === undefined) return { state: "unknown", summary: "no pipeline yet" };
  if (newest.state === "errored")
    return { state: "failed", summary: `#${newest.number} ${newest.errors[0]?.message ?? "is not accepted"}` };
  const workflows = await workflowsOf(location, newest.id, signal);
  return pipelineState(
    newest.number,
    currentRuns(workflows).map(({ status }) => status),
  );
}

/** The project whose jobs get the environment's context; `undefined`: neither the stack file nor CircleCI tells. */
export async function projectSlugOf(
  location: Omit<CiLocation, "branch">,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (location.projectSlug !== undefined) return location.projectSlug;
  if (location.organizationId === undefined) return undefined;
  const context = await findContext(location, location.organizationId, location.context, signal);
  return context === undefined ? undefined : restrictedProject(location, context, signal);
}

/** A context is restricted to the one project whose jobs use it; a slug may consist of ids. */
async function restrictedProject(
  location: CiLocation,
  context: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const restrictions = await contextRestrictions(location, context, signal);
  const project = restrictions.find(({ type }) => type === "project")?.value;
  return project === undefined ? undefined : `circleci/${location.organizationId}/${project}`;
}

/** Of a workflow that was run again, the last run counts. */
function currentRuns(workflows: readonly Workflow[]): Workflow[] {
  const oldestFirst = workflows.toSorted((one, other) => Date.parse(one.created_at) - Date.parse(other.created_at));
  return [...new Map(oldestFirst.map((workflow) => [workflow.name, workflow])).values()];
}

const states: Readonly<Record<string, State>> = {
  success: "ok",
  running: "progress",
  on_hold: "progress",
  failed: "failed",
  failing: "failed",
  error: "failed",
  canceled: "failed",
  unauthorized: "failed",
};

/** A pipeline has the state of its worst workflow. */
export function pipelineState(number: number, statuses: readonly string[]): CiState {
  const severity: readonly State[] = ["failed", "progress", "unknown", "ok"];
  const found = statuses.map((status) => ({ status, state: states[status] ?? ("unknown" as const) }));
  const [first] = found.toSorted((one, other) => severity.indexOf(one.state) - severity.indexOf(other.state));
  return {
    state: first?.state ?? "unknown",
    summary: `#${number} ${first?.status.replaceAll("_", " ") ?? "has not started"}`,
  };
}
