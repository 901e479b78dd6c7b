import { contextRestrictions, contextsOf, isNotFound, projectAt, type CircleCiAccess } from "../../circleci/api.ts";
import { importArguments } from "../../components/circleci/circleci-hints.ts";
import { CommandError } from "../command.ts";
import { resourcesOfType, type Deployment, type StateResource } from "./deployment.ts";

/** What the stack declares at CircleCI, by the names that must be free there. */
export interface DeclaredNames {
  readonly organizationId: string;
  /** `undefined`: it is another stack's. */
  readonly project: string | undefined;
  /** By what their resources' names have behind that of the component. */
  readonly contexts: readonly { readonly name: string; readonly suffix: string }[];
  /** The slug of the project that another stack owns. */
  readonly projectSlug?: string | undefined;
}

/** What is at CircleCI as the stack declares it, and not in its state: an update cannot make it, for its name is taken. */
export interface Orphan {
  readonly type: string;
  /** What CircleCI calls it. */
  readonly name: string;
  /** What its resource's name has behind that of the component. @default nothing */
  readonly suffix?: string;
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

/** The contexts that CircleCI has and the state lacks. */
export async function orphanContexts(
  access: CircleCiAccess,
  { organizationId, contexts }: DeclaredNames,
  exported: Deployment,
  signal: AbortSignal,
): Promise<Orphan[]> {
  const lacking = contexts.filter(({ suffix }) => inState(exported, contextType, suffix) === undefined);
  if (lacking.length === 0) return [];
  const all = await contextsOf(access, organizationId, signal);
  return lacking.flatMap(({ name, suffix }) => {
    const found = all.find((context) => context.name === name);
    return found === undefined
      ? []
      : [{ type: contextType, name, suffix, key: found.id, importId: `${organizationId}/${found.id}` }];
  });
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
 * What restricts the contexts, which CircleCI makes only once: to the stack's project, and to what expressions say.
 * @param adopted what is taken into the state before it
 */
export async function orphanRestrictions(
  access: CircleCiAccess,
  { contexts, projectSlug }: DeclaredNames,
  exported: Deployment,
  adopted: readonly Orphan[],
  signal: AbortSignal,
): Promise<Orphan[]> {
  const slug = adopted.find(({ type }) => type === projectType)?.key ?? projectSlug;
  const [project] = resourcesOfType(exported, projectType);
  const found = await Promise.all(
    contexts.map(async ({ suffix }): Promise<Orphan[]> => {
      const context = adopted.find((orphan) => orphan.type === contextType && orphan.suffix === suffix);
      const contextId = context?.key ?? inState(exported, contextType, suffix)?.id;
      const lacking = kindsOfRestriction.filter(
        (kind) => inState(exported, restrictionType, `${suffix}${kind.suffix}`) === undefined,
      );
      if (contextId === undefined || lacking.length === 0) return [];
      const projectId = project?.id ?? (slug === undefined ? undefined : (await projectAt(access, slug, signal)).id);
      const all = await contextRestrictions(access, contextId, signal);
      return lacking.flatMap((kind) => {
        const one = all.find(({ type, value }) => type === kind.type && (type !== "project" || value === projectId));
        if (one === undefined) return [];
        return {
          type: restrictionType,
          name: `to ${one.type} ${one.value}`,
          suffix: `${suffix}${kind.suffix}`,
          key: one.id,
          importId: `${contextId}/${one.id}`,
          ...(context === undefined ? {} : { comesWith: context.key }),
        };
      });
    }),
  );
  return found.flat();
}

const kindsOfRestriction = [
  { type: "project", suffix: "" },
  { type: "expression", suffix: "-expression" },
];

/** The resource of that name in the state. @param suffix what its name has behind that of its component */
function inState(exported: Deployment, type: string, suffix: string): StateResource | undefined {
  return resourcesOfType(exported, type).find(({ urn, parent }) => nameOf(urn) === `${nameOf(parent)}${suffix}`);
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

function isInState(exported: Deployment, type: string): boolean {
  return resourcesOfType(exported, type).length > 0;
}

/** @throws CommandError where the state lacks what a resource is imported into */
export function adoptArguments(exported: Deployment, { type, importId, suffix = "" }: Orphan): string[] {
  const [provider] = resourcesOfType(exported, "pulumi:providers:circleci");
  if (provider === undefined || provider.parent === "")
    throw new CommandError("the state has no provider of CircleCI yet: run `pulumi up` once, which makes it");
  const name = `${nameOf(provider.urn)}${suffix}`;
  return importArguments({ parent: provider.parent, provider: provider.urn, type, name }, importId);
}
