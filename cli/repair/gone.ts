import {
  contextRestrictions,
  contextsOf,
  contextVariables,
  isNotFound,
  isThere,
  slugPath,
  type CircleCiAccess,
} from "../../circleci/api.ts";
import { errorMessage } from "../../core/error.ts";
import { CommandError } from "../command.ts";
import type { StateResource } from "./deployment.ts";

/** What CircleCI says of the resources of a state. */
export interface Findings {
  readonly gone: readonly StateResource[];
  /** Of types that this does not ask for. */
  readonly unknown: readonly StateResource[];
}

/** Asks CircleCI at one address. Each question is asked once. */
interface Asked {
  readonly isThere: (path: string) => Promise<boolean>;
  /** The names of a context's variables; none where the context is gone. */
  readonly variables: (context: string) => Promise<readonly string[]>;
  /** The ids of a context's restrictions; none where the context is gone. */
  readonly restrictions: (context: string) => Promise<readonly string[]>;
}

type Look = (resource: StateResource, ask: Asked) => Promise<boolean>;

/** How CircleCI is asked for a resource, by the same requests as those of its provider, which fail for what is gone. */
const looks: Readonly<Record<string, Look>> = {
  "circleci:index/project:Project": (resource, ask) => ask.isThere(`/project/${slugPath(text(resource, "slug"))}`),
  "circleci:index/context:Context": ({ id }, ask) => ask.isThere(`/context/${encodeURIComponent(id)}`),
  "circleci:index/contextEnvironmentVariable:ContextEnvironmentVariable": async (resource, ask) =>
    (await ask.variables(text(resource, "contextId"))).includes(text(resource, "name")),
  "circleci:index/contextRestriction:ContextRestriction": async (resource, ask) =>
    (await ask.restrictions(text(resource, "contextId"))).includes(resource.id),
  "circleci:index/projectEnvironmentVariable:ProjectEnvironmentVariable": (resource, ask) =>
    ask.isThere(
      `/project/${slugPath(text(resource, "projectSlug"))}/envvar/${encodeURIComponent(text(resource, "name"))}`,
    ),
  "circleci:index/pipeline:Pipeline": (resource, ask) => ask.isThere(inProject(resource, "pipeline-definitions")),
  "circleci:index/trigger:Trigger": (resource, ask) => ask.isThere(inProject(resource, "triggers")),
};

function inProject(resource: StateResource, kind: string): string {
  const project = encodeURIComponent(text(resource, "projectId"));
  return `/projects/${project}/${kind}/${encodeURIComponent(resource.id)}`;
}

/** @throws CommandError where the state does not say it */
function text({ urn, inputs, outputs }: StateResource, name: string): string {
  const value = [outputs[name], inputs[name]].find((one) => typeof one === "string" && one !== "");
  if (typeof value === "string") return value;
  throw new CommandError(`the state of ${urn} has no ${name}, so that CircleCI cannot be asked for it`);
}

/** Seconds that one request may take. */
const patience = 15;

/**
 * Which resources of a state CircleCI does not have any more. To an account that may not see something, CircleCI answers as
 * if it was not there; so nothing counts as gone in an organization whose contexts the account cannot list.
 * @param accessOf where the state's resource is, and who asks
 * @param organizationId of a resource whose organization the state does not say
 * @throws Error where CircleCI cannot be asked, or refuses: then nothing is known
 */
export async function findGone(
  resources: readonly StateResource[],
  accessOf: (resource: StateResource) => CircleCiAccess,
  organizationId: string,
  signal: AbortSignal,
): Promise<Findings> {
  const asked = new Map<string, Promise<unknown>>();
  const once = <T>(access: CircleCiAccess, key: string, question: (limit: AbortSignal) => Promise<T>): Promise<T> => {
    const whole = `${access.host} ${key}`;
    const known = asked.get(whole) ?? question(AbortSignal.any([signal, AbortSignal.timeout(patience * 1000)]));
    asked.set(whole, known);
    // A key stands for one question, whose answers have one type.
    return known as Promise<T>;
  };
  const lookAt = async (resource: StateResource): Promise<"there" | "gone" | "unknown"> => {
    const look = looks[resource.type];
    if (look === undefined) return "unknown";
    const access = accessOf(resource);
    const found = await look(resource, {
      isThere: (path) => once(access, path, (limit) => isThere(access, path, limit)),
      variables: (context) =>
        once(access, `variables of ${context}`, (limit) =>
          noneIfGone(contextVariables(access, context, limit).then((all) => all.map(({ name }) => name))),
        ),
      restrictions: (context) =>
        once(access, `restrictions of ${context}`, (limit) =>
          noneIfGone(contextRestrictions(access, context, limit).then((all) => all.map(({ id }) => id))),
        ),
    });
    if (found) return "there";
    const organization = organizationOf(resource, resources) ?? organizationId;
    await once(access, `organization ${organization}`, (limit) => assertVisible(access, organization, limit));
    return "gone";
  };
  const states = await Promise.all(resources.map(async (resource) => ({ resource, state: await lookAt(resource) })));
  const those = (wanted: string): StateResource[] =>
    states.filter(({ state }) => state === wanted).map(({ resource }) => resource);
  return { gone: those("gone"), unknown: those("unknown") };
}

async function noneIfGone(list: Promise<string[]>): Promise<string[]> {
  return list.catch((error: unknown) => {
    if (isNotFound(error)) return [];
    throw error;
  });
}

/** The organization of a project or a context, or of the one that a resource is in. */
function organizationOf(resource: StateResource, all: readonly StateResource[]): string | undefined {
  const valueOf = (name: string): unknown => resource.outputs[name] ?? resource.inputs[name];
  const own = valueOf("organizationId");
  if (typeof own === "string") return own;
  const around = [valueOf("projectId"), valueOf("contextId")];
  const owner = all.find(({ id, outputs }) => around.includes(id) && typeof outputs["organizationId"] === "string");
  return owner === undefined ? undefined : String(owner.outputs["organizationId"]);
}

async function assertVisible(access: CircleCiAccess, organization: string, signal: AbortSignal): Promise<void> {
  await contextsOf(access, organization, signal).catch((error: unknown) => {
    throw new CommandError(
      `organization ${organization} cannot be looked into with the stack's circleciToken, so that nobody knows whether what it does not see is gone: ${errorMessage(error)}`,
      { cause: error },
    );
  });
}
