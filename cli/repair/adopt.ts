import { contextRestrictions, contextsOf, isNotFound, projectAt, type CircleCiAccess } from "../../circleci/api.ts";
import { importArguments } from "../../components/circleci/circleci-hints.ts";
import { CommandError } from "../command.ts";
import { resourcesOfType, type Deployment } from "./deployment.ts";

/** What the stack declares at CircleCI, by the names that must be free there. */
export interface DeclaredNames {
  readonly organizationId: string;
  /** `undefined`: it is another stack's. */
  readonly project: string | undefined;
  readonly context: string;
  /** The slug of the project that another stack owns. */
  readonly projectSlug?: string | undefined;
}

/** What is at CircleCI as the stack declares it, and not in its state: an update cannot make it, for its name is taken. */
export interface Orphan {
  readonly type: string;
  /** What CircleCI calls it. */
  readonly name: string;
  /** What `--adopt` takes. */
  readonly key: string;
  /** The key of the orphan that it comes with. @default it comes alone */
  readonly comesWith?: string;
  /** What the provider's import takes. */
  readonly importId: string;
}

const contextType = "circleci:index/context:Context";
const restrictionType = "circleci:index/contextRestriction:ContextRestriction";
const projectType = "circleci:index/project:Project";

/** @returns `undefined`: the context is in the state, or CircleCI has none of that name */
export async function orphanContext(
  access: CircleCiAccess,
  { organizationId, context: name }: DeclaredNames,
  exported: Deployment,
  signal: AbortSignal,
): Promise<Orphan | undefined> {
  if (isInState(exported, contextType)) return undefined;
  const found = (await contextsOf(access, organizationId, signal)).find((context) => context.name === name);
  return found && { type: contextType, name, key: found.id, importId: `${organizationId}/${found.id}` };
}

/**
 * A project that was made and whose settings were refused. CircleCI gives out no list of projects, so that only its slug finds it.
 * @throws CommandError unless it is the one that the stack declares: an update would delete any other
 */
export async function orphanProject(
  access: CircleCiAccess,
  { organizationId, project }: DeclaredNames,
  slug: string,
  exported: Deployment,
  signal: AbortSignal,
): Promise<Orphan> {
  const option = `--adopt ${JSON.stringify(slug)}`;
  if (project === undefined) throw new CommandError(`${option}: this stack looks the project up, and owns none`);
  if (isInState(exported, projectType)) throw new CommandError(`${option}: the state has the project already`);
  const found = await projectAt(access, slug, signal).catch((error: unknown) => {
    if (isNotFound(error)) throw new CommandError(`${option}: CircleCI has no such project`, { cause: error });
    throw error;
  });
  if (found.name !== project)
    throw new CommandError(
      `${option}: that project is ${JSON.stringify(found.name)}, and the stack declares ${JSON.stringify(project)}: an update would delete it; correct the slug, or ci.project in the stack file`,
    );
  if (found.organizationId !== undefined && found.organizationId !== organizationId)
    throw new CommandError(
      `${option}: that project is of organization ${found.organizationId}, and the stack's is ${organizationId}: an update would delete it; correct the slug, or ci.organizationId in the stack file`,
    );
  return { type: projectType, name: found.name, key: slug, importId: found.slug };
}

/**
 * The context's restriction to the stack's project, which CircleCI makes only once.
 * @param adopted what is taken into the state before it
 * @returns `undefined`: it is in the state, or the context or the project is not there yet
 */
export async function orphanRestriction(
  access: CircleCiAccess,
  { projectSlug }: DeclaredNames,
  exported: Deployment,
  adopted: readonly Orphan[],
  signal: AbortSignal,
): Promise<Orphan | undefined> {
  if (isInState(exported, restrictionType)) return undefined;
  const context = adopted.find(({ type }) => type === contextType);
  const contextId = context?.key ?? resourcesOfType(exported, contextType)[0]?.id;
  const slug = adopted.find(({ type }) => type === projectType)?.key ?? projectSlug;
  const projectId =
    resourcesOfType(exported, projectType)[0]?.id ??
    (slug === undefined ? undefined : (await projectAt(access, slug, signal)).id);
  if (contextId === undefined || projectId === undefined) return undefined;
  const all = await contextRestrictions(access, contextId, signal);
  const found = all.find(({ type, value }) => type === "project" && value === projectId);
  if (found === undefined) return undefined;
  const restriction = { type: restrictionType, key: found.id, importId: `${contextId}/${found.id}` };
  const name = `to project ${projectId}`;
  return { ...restriction, name, ...(context === undefined ? {} : { comesWith: context.key }) };
}

function isInState(exported: Deployment, type: string): boolean {
  return resourcesOfType(exported, type).length > 0;
}

/** @throws CommandError where the state lacks what a resource is imported into */
export function adoptArguments(exported: Deployment, { type, importId }: Orphan): string[] {
  const [provider] = resourcesOfType(exported, "pulumi:providers:circleci");
  if (provider === undefined || provider.parent === "")
    throw new CommandError("the state has no provider of CircleCI yet: run `pulumi up` once, which makes it");
  const name = provider.urn.split("::").at(-1) ?? "";
  return importArguments({ parent: provider.parent, provider: provider.urn, type, name }, importId);
}
