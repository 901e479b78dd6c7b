import {
  contextRestrictions,
  contextsOf,
  contextVariables,
  projectVariables,
  projectWalls,
  type CircleCiAccess,
  type Context,
  type ContextRestriction,
} from "../../circleci/api.ts";
import { pullSources } from "../../components/circleci/contexts.ts";
import type { EnvironmentSettings, Reach, ReachableContext } from "./reach.ts";
import type { Finding } from "./report.ts";

interface Account {
  readonly access: CircleCiAccess;
  readonly organizationId: string;
  readonly signal: AbortSignal;
}

/**
 * What CircleCI has otherwise than the stack files declare.
 * @param known names of contexts that other environments of the app declare
 * @throws Error where CircleCI cannot be asked, or refuses
 */
export async function accountWallFindings(
  reach: Reach,
  known: readonly string[],
  access: CircleCiAccess,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { contexts, environments, app } = reach;
  const owner = environments.find(({ owns }) => owns.ciProject) ?? environments[0];
  const organizationId = owner?.ci.organizationId;
  // Without one, another engine runs the pipeline.
  if (owner === undefined || organizationId === undefined) return [];
  const account = { access, organizationId, signal };
  const all = await contextsOf(access, account.organizationId, signal);
  const compared = await Promise.all(contexts.map((context) => compareContext(context, all, owner, account)));
  const [projectId] = compared.flatMap(({ projects }) => projects.map(({ value }) => value));
  const declared = new Set([...contexts.map(({ name }) => name), ...known]);
  const foreign = all.filter(({ name }) => name.startsWith(`${app}-`) && !declared.has(name));
  return [
    ...compared.flatMap(({ findings }) => findings),
    ...foreign.map(({ name }): Finding => ({
      level: "warning",
      location: `CircleCI: context ${name}`,
      message: "no stack file declares it, so that nothing here says who may use it; delete it if nobody needs it",
    })),
    ...(await projectFindings(projectId, owner, account)),
  ];
}

/** @returns also the projects that CircleCI lets use the context */
async function compareContext(
  context: ReachableContext,
  all: readonly Context[],
  owner: EnvironmentSettings,
  { access, signal }: Account,
): Promise<{ projects: readonly ContextRestriction[]; findings: Finding[] }> {
  const location = `CircleCI: context ${context.name}`;
  const id = all.find(({ name }) => name === context.name)?.id;
  if (id === undefined)
    return {
      projects: [],
      findings: [{ level: "error", location, message: `there is none of this name; ${makeAgain(context.stack)}` }],
    };
  const [variables, restrictions] = await Promise.all([
    contextVariables(access, id, signal),
    contextRestrictions(access, id, signal),
  ]);
  const projects = restrictions.filter(({ type }) => type === "project");
  const findings = [
    ...projectRestrictionFindings(context, projects, owner),
    ...expressionFindings(context, restrictions),
    ...variableFindings(
      context,
      variables.map(({ name }) => name),
    ),
  ];
  return { projects, findings: findings.map((finding) => ({ ...finding, location })) };
}

/** The provider fails at what others have deleted, so that it has to be out of the state first. */
function makeAgain(stack: string): string {
  return `\`npx delivery repair --env ${stack} --yes\`, and then \`pulumi up --stack ${stack}\`, makes it again`;
}

/** What is found of a context. */
type ContextFinding = Omit<Finding, "location">;

function projectRestrictionFindings(
  { stack }: ReachableContext,
  projects: readonly ContextRestriction[],
  { ci, app }: EnvironmentSettings,
): ContextFinding[] {
  const own = ci.project ?? app.name;
  if (projects.length === 0)
    return [
      {
        level: "error",
        message: `jobs of every project of the organization get it: it is restricted to none; ${makeAgain(stack)}`,
      },
    ];
  return projects
    .filter(({ name }) => name !== "" && name !== own)
    .map(({ name }) => ({
      level: "error",
      message: `jobs of project ${name} get it, too; remove that restriction at CircleCI`,
    }));
}

function expressionFindings(
  { expression, delivered, stack }: ReachableContext,
  restrictions: readonly ContextRestriction[],
): ContextFinding[] {
  const found = restrictions.filter(({ type }) => type === "expression").map(({ value }) => value);
  const who = delivered ? "whoever may push a branch" : "whoever logs in to a job by SSH";
  if (expression !== undefined && !found.includes(expression))
    return [
      {
        level: "error",
        message: `${who} may get it: its expression is ${found.length === 0 ? "gone" : `${found.join(" and ")}, and not ${expression}`}; ${makeAgain(stack)}`,
      },
    ];
  return found
    .filter((value) => value !== expression)
    .map((value) => ({
      level: "warning",
      message: `jobs get it only where ${value} holds, too, which no stack file says; remove that restriction at CircleCI`,
    }));
}

function variableFindings(
  { variables, delivered, stack, kind }: ReachableContext,
  found: readonly string[],
): ContextFinding[] {
  const missing = Object.keys(variables).filter((name) => !found.includes(name));
  const foreign = found.filter((name) => !(name in variables));
  const key = kind === "environment" ? "ci.environment" : `ci.contexts.${kind}`;
  const findings: (ContextFinding | false)[] = [
    missing.length > 0 && {
      level: "warning",
      message: `it does not hold ${missing.join(", ")}; ${makeAgain(stack)}`,
    },
    foreign.length > 0 && {
      level: "warning",
      message: `it holds ${foreign.join(", ")}, of no stack file${delivered ? "" : ", which whoever may push a branch gets"}; declare it in ${key}, or delete it at CircleCI`,
    },
  ];
  return findings.filter((finding) => finding !== false);
}

/** @param projectId CircleCI's id of the project that the contexts are for; without it, the project is not known here */
async function projectFindings(
  projectId: string | undefined,
  owner: EnvironmentSettings,
  { access, organizationId, signal }: Account,
): Promise<Finding[]> {
  const slug = owner.ci.standalone ? projectId && `circleci/${organizationId}/${projectId}` : owner.ci.projectSlug;
  if (slug === undefined) return [];
  const [walls, variables] = await Promise.all([
    projectWalls(access, slug, signal),
    projectVariables(access, slug, signal),
  ]);
  const declared = owner.ci.sharedContext ? Object.keys(pullSources(owner.images)) : [];
  const foreign = variables.filter((name) => !declared.includes(name));
  const location = "CircleCI: the project";
  const restore = `\`pulumi up --refresh --stack ${owner.name}\` sets it back`;
  const findings: (Finding | false)[] = [
    walls.forksGetSecrets === true && {
      level: "error",
      location,
      message: `pull requests of forks get its secrets; ${restore}`,
    },
    walls.rerunsBySsh === true && {
      level: "warning",
      location,
      message: `jobs may be run again with SSH, where only the contexts' expressions keep secrets away; ${restore}`,
    },
    foreign.length > 0 && {
      level: "warning",
      location,
      message: `jobs of every branch get its variables ${foreign.join(", ")}, of no stack file; move them to \`ci.environment\` or \`ci.contexts\` of a stack file, and delete them in the project's settings`,
    },
  ];
  return findings.filter((finding) => finding !== false);
}
