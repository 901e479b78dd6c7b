import { z } from "zod";
import { NotReachableError } from "../core/error.ts";
import { parsedJson } from "../core/json.ts";
import { allPages } from "../core/pages.ts";

/** Where CircleCI's API v2 is, and who asks. Source: https://circleci.com/docs/api/v2/ */
export interface CircleCiAccess {
  /** The base URL. */
  readonly host: string;
  /** `undefined`: nobody has given one. */
  readonly token: string | undefined;
}

/** Where CircleCI's API is unless the stack file names another. */
export const circleCiHost = "https://circleci.com/api/v2";

/** The environment variable with the token for CircleCI's API. */
export const circleCiTokenVariable = "CIRCLE_TOKEN";

const contextSchema = z.object({ id: z.string(), name: z.string() });
export type Context = z.infer<typeof contextSchema>;

/** The contexts of an organization; it refuses those who are not of it. */
export function contextsOf(access: CircleCiAccess, organizationId: string, signal: AbortSignal): Promise<Context[]> {
  return list(access, `/context?owner-id=${encodeURIComponent(organizationId)}`, contextSchema, signal);
}

/** @returns `undefined`: the organization has no context of that name */
export async function findContext(
  access: CircleCiAccess,
  organizationId: string,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  return (await contextsOf(access, organizationId, signal)).find((context) => context.name === name)?.id;
}

/** The name of the account whose token it is. */
export async function accountName(access: CircleCiAccess, signal: AbortSignal): Promise<string> {
  const { login, name } = await get(access, "/me", accountSchema, signal);
  return login ?? name ?? "unknown";
}

const accountSchema = z.object({ login: z.string().nullish(), name: z.string().nullish() });

const projectSchema = z
  .object({ id: z.string(), name: z.string(), slug: z.string(), organization_id: z.string().nullish() })
  .transform(({ organization_id, ...project }) => ({ ...project, organizationId: organization_id ?? undefined }));
export type Project = z.infer<typeof projectSchema>;

/** A slug as a part of a path. */
export function slugPath(slug: string): string {
  return slug.split("/").map(encodeURIComponent).join("/");
}

export function projectAt(access: CircleCiAccess, slug: string, signal: AbortSignal): Promise<Project> {
  return get(access, `/project/${slugPath(slug)}`, projectSchema, signal);
}

const settingsSchema = z.object({
  advanced: z.object({ disable_ssh: z.boolean().nullish(), forks_receive_secret_env_vars: z.boolean().nullish() }),
});

/** Who gets a project's secrets beside its pipelines; `undefined`: CircleCI does not say. */
export async function projectWalls(
  access: CircleCiAccess,
  slug: string,
  signal: AbortSignal,
): Promise<{ rerunsBySsh: boolean | undefined; forksGetSecrets: boolean | undefined }> {
  const { advanced } = await get(access, `/project/${slugPath(slug)}/settings`, settingsSchema, signal);
  const isSshDisabled = advanced.disable_ssh ?? undefined;
  return {
    rerunsBySsh: isSshDisabled === undefined ? undefined : !isSshDisabled,
    forksGetSecrets: advanced.forks_receive_secret_env_vars ?? undefined,
  };
}

/** The names of the variables that every job of a project gets. */
export async function projectVariables(access: CircleCiAccess, slug: string, signal: AbortSignal): Promise<string[]> {
  const found = await list(access, `/project/${slugPath(slug)}/envvar`, z.object({ name: z.string() }), signal);
  return found.map(({ name }) => name);
}

/**
 * Whether something is there.
 * @param path below the API's base, its parts encoded
 * @throws Error for every answer that says neither
 */
export async function isThere(access: CircleCiAccess, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await get(access, path, z.unknown(), signal);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Whether CircleCI has answered that there is no such thing, or none that the token's account may see. */
export function isNotFound(error: unknown): boolean {
  return error instanceof RefusalError && error.status === 404;
}

class RefusalError extends Error {
  override readonly name = "RefusalError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const variableSchema = z
  .object({ variable: z.string(), updated_at: z.string() })
  .transform(({ variable, updated_at }) => ({ name: variable, updatedAt: updated_at }));
/** A variable of a context; its value cannot be read. */
export type ContextVariable = z.infer<typeof variableSchema>;

export function contextVariables(access: CircleCiAccess, id: string, signal: AbortSignal): Promise<ContextVariable[]> {
  return list(access, `/context/${encodeURIComponent(id)}/environment-variable`, variableSchema, signal);
}

const restrictionSchema = z
  .object({ id: z.string(), name: z.string().nullish(), restriction_type: z.string(), restriction_value: z.string() })
  .transform(({ id, name, restriction_type, restriction_value }) => ({
    id,
    name: name ?? "",
    type: restriction_type,
    value: restriction_value,
  }));
/** Who may use a context. */
export type ContextRestriction = z.infer<typeof restrictionSchema>;

export function contextRestrictions(
  access: CircleCiAccess,
  id: string,
  signal: AbortSignal,
): Promise<ContextRestriction[]> {
  return list(access, `/context/${encodeURIComponent(id)}/restrictions`, restrictionSchema, signal);
}

const definitionSchema = z.object({ id: z.string(), name: z.string() });
/** What a project runs: where its configuration and its code come from. */
export type PipelineDefinition = z.infer<typeof definitionSchema>;

export function pipelineDefinitions(
  access: CircleCiAccess,
  projectId: string,
  signal: AbortSignal,
): Promise<PipelineDefinition[]> {
  return list(access, `/projects/${encodeURIComponent(projectId)}/pipeline-definitions`, definitionSchema, signal);
}

const triggerSchema = z
  .object({
    id: z.string(),
    disabled: z.boolean().nullish(),
    event_preset: z.string().nullish(),
    event_name: z.string().nullish(),
    event_source: z.object({ provider: z.string() }),
  })
  .transform(({ id, disabled, event_preset, event_name, event_source: { provider } }) => ({
    id,
    disabled: disabled ?? false,
    event: event_preset ?? event_name ?? "",
    provider,
  }));
/** What starts a pipeline. */
export type Trigger = z.infer<typeof triggerSchema>;

export function triggersOf(
  access: CircleCiAccess,
  projectId: string,
  definition: string,
  signal: AbortSignal,
): Promise<Trigger[]> {
  const path = `/projects/${encodeURIComponent(projectId)}/pipeline-definitions/${encodeURIComponent(definition)}/triggers`;
  return list(access, path, triggerSchema, signal);
}

/** All pages of a list. @param path below the API's base, its parts encoded */
export async function list<T>(
  access: CircleCiAccess,
  path: string,
  item: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T[]> {
  const schema = z.object({ items: z.array(item), next_page_token: z.string().nullish() });
  const separator = path.includes("?") ? "&" : "?";
  return allPages(`CircleCI at ${access.host}${path}`, path, async (address) => {
    const { items, next_page_token: token } = await get(access, address, schema, signal);
    const isLast = token === undefined || token === null || token === "";
    return { items, next: isLast ? undefined : `${path}${separator}page-token=${encodeURIComponent(token)}` };
  });
}

/**
 * @param path below the API's base, its parts encoded
 * @throws NotReachableError where there is no token or no answer
 * @throws Error where CircleCI refuses; never holds the token
 */
export function get<T>(access: CircleCiAccess, path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  return request(access, path, { method: "GET" }, schema, signal);
}

/**
 * One request, whose answer is of a form; for what changes something, too, which is then sent once.
 * @param path below the API's base, its parts encoded
 * @throws as `get`, with CircleCI's own words where it refuses a change
 */
export async function request<T>(
  access: CircleCiAccess,
  path: string,
  { method, body }: { readonly method: "GET" | "POST"; readonly body?: unknown },
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const { host, token } = access;
  if (token === undefined || token === "")
    throw new NotReachableError(`set ${circleCiTokenVariable} to an API token of CircleCI to see it`);
  const response = await fetch(`${host}${path}`, {
    method,
    headers: { "Circle-Token": token, accept: "application/json", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  }).catch(() => {
    throw new NotReachableError(`${new URL(host).host} cannot be reached`);
  });
  if (response.ok) return schema.parse(await response.json());
  const said = refusalSchema.safeParse(parsedJson(await response.text()));
  const words = method === "GET" || !said.success ? "" : `: ${said.data.message}`;
  const reason =
    response.status === 401
      ? "does not accept the token (401)"
      : `answers ${response.status} for ${path.replace(/\?.*/, "")}${words}`;
  throw new RefusalError(response.status, `${new URL(host).host} ${reason}`);
}

const refusalSchema = z.object({ message: z.string() });
