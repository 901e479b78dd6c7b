import { z } from "zod";
import type { Stage, State } from "./model.ts";
import { NotReachableError } from "./reading.ts";

export interface CiPlace {
  /** The base URL of CircleCI's API. */
  readonly host: string;
  /** `undefined`: nobody has given one. */
  readonly token: string | undefined;
  readonly organizationId: string;
  /** The environment's context. */
  readonly context: string;
  /** `vcs/organization/project`; without it nothing is known of pipelines. */
  readonly projectSlug?: string | undefined;
}

const contextsSchema = z.object({
  items: z.array(z.object({ name: z.string() })),
  next_page_token: z.string().nullish(),
});
const pipelinesSchema = z.object({ items: z.array(z.object({ id: z.string(), number: z.number() })) });
const workflowsSchema = z.object({ items: z.array(z.object({ status: z.string() })) });

/** Whether CI has what it needs for the environment, and how its newest pipeline is. Source: https://circleci.com/docs/api/v2/ */
export async function readCi(place: CiPlace, signal: AbortSignal): Promise<Pick<Stage, "state" | "summary">> {
  if (place.token === undefined || place.token === "")
    throw new NotReachableError("set CIRCLE_TOKEN to an API token of CircleCI to see it");
  if (!(await hasContext(place, signal))) return { state: "failed", summary: `no context ${place.context}` };
  if (place.projectSlug === undefined) return { state: "ok", summary: `context ${place.context}` };
  const { items: pipelines } = await ask(place, `/project/${place.projectSlug}/pipeline`, pipelinesSchema, signal);
  const [newest] = pipelines;
  if (newest === undefined) return { state: "unknown", summary: "no pipeline yet" };
  const { items: workflows } = await ask(place, `/pipeline/${newest.id}/workflow`, workflowsSchema, signal);
  return pipelineState(
    newest.number,
    workflows.map(({ status }) => status),
  );
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

/** A pipeline is as its worst workflow. */
export function pipelineState(number: number, statuses: readonly string[]): Pick<Stage, "state" | "summary"> {
  const severity: readonly State[] = ["failed", "progress", "unknown", "ok"];
  const found = statuses.map((status) => ({ status, state: states[status] ?? ("unknown" as const) }));
  const [first] = found.toSorted((one, other) => severity.indexOf(one.state) - severity.indexOf(other.state));
  return {
    state: first?.state ?? "unknown",
    summary: `#${number} ${first?.status.replaceAll("_", " ") ?? "has not started"}`,
  };
}

async function hasContext(place: CiPlace, signal: AbortSignal): Promise<boolean> {
  for (let page: string | undefined = ""; page !== undefined;) {
    const query = new URLSearchParams({
      "owner-id": place.organizationId,
      ...(page === "" ? {} : { "page-token": page }),
    });
    const answer: z.infer<typeof contextsSchema> = await ask(
      place,
      `/context?${query.toString()}`,
      contextsSchema,
      signal,
    );
    if (answer.items.some(({ name }) => name === place.context)) return true;
    page = answer.next_page_token ?? undefined;
  }
  return false;
}

async function ask<T>(
  { host, token = "" }: CiPlace,
  path: string,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const response = await fetch(`${host}${path}`, {
    headers: { "Circle-Token": token, accept: "application/json" },
    signal,
  }).catch(() => {
    throw new NotReachableError(`${new URL(host).host} cannot be reached`);
  });
  if (response.ok) return schema.parse(await response.json());
  await response.body?.cancel();
  const reason =
    response.status === 401
      ? "does not accept the token (401)"
      : `answers ${response.status} for ${path.replace(/\?.*/, "")}`;
  throw new Error(`${new URL(host).host} ${reason}`);
}
