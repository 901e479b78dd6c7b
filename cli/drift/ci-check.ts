import {
  contextRestrictions,
  contextVariables,
  findContext,
  pipelineDefinitions,
  triggersOf,
  type CircleCiAccess,
  type ContextRestriction,
  type ContextVariable,
  type PipelineDefinition,
  type Trigger,
} from "../../circleci/api.ts";
import { checkOf, type Check, type Finding } from "./report.ts";
import type { DeclaredContext, DeclaredPipelines } from "./stack-state.ts";

export interface CiCheckArgs extends CircleCiAccess {
  readonly organizationId: string;
  /** Whether the stack file declares the project's pipeline. @default false, and those of others are nobody's concern */
  readonly declaresPipeline?: boolean | undefined;
}

/** A context as CircleCI has it. */
export interface ContextStatus {
  readonly id: string;
  readonly variables: readonly ContextVariable[];
  readonly restrictions: readonly ContextRestriction[];
}

/** A pipeline of the project as CircleCI has it. */
export interface PipelineStatus extends PipelineDefinition {
  readonly triggers: readonly Trigger[];
}

/** What the stack has declared at CircleCI. */
interface DeclaredCi {
  readonly contexts: readonly DeclaredContext[];
  readonly pipelines: DeclaredPipelines | undefined;
}

/** @throws Error where CircleCI cannot be asked, or refuses */
export async function ciCheck(
  args: CiCheckArgs,
  { contexts, pipelines }: DeclaredCi,
  signal: AbortSignal,
): Promise<Check> {
  const ofContext = async (context: DeclaredContext): Promise<Finding[]> => {
    const id = await findContext(args, args.organizationId, context.name, signal);
    if (id === undefined) return [{ what: `context ${context.name}`, change: "is gone" }];
    const [variables, restrictions] = await Promise.all([
      contextVariables(args, id, signal),
      contextRestrictions(args, id, signal),
    ]);
    return contextFindings(args.organizationId, context, { id, variables, restrictions });
  };
  const ofPipelines = async (): Promise<Finding[]> => {
    if (pipelines === undefined || (pipelines.ids.length === 0 && args.declaresPipeline !== true)) return [];
    const definitions = await pipelineDefinitions(args, pipelines.projectId, signal);
    const status = await Promise.all(
      definitions.map(async (definition) => ({
        ...definition,
        triggers: await triggersOf(args, pipelines.projectId, definition.id, signal),
      })),
    );
    return pipelineFindings(pipelines, status);
  };
  const findings = await Promise.all([...contexts.map(ofContext), ofPipelines()]);
  return checkOf("ci", findings.flat());
}

/**
 * Pipelines and triggers that no state knows run jobs twice, or jobs that nobody expects: made by hand, or by a request
 * whose answer was lost, which the provider sends again.
 */
export function pipelineFindings(declared: DeclaredPipelines, status: readonly PipelineStatus[]): Finding[] {
  const triggers = status.flatMap(({ name, triggers: all }) => all.map((trigger) => ({ ...trigger, pipeline: name })));
  const gone = (kind: string, ids: readonly string[], there: readonly { id: string }[]): Finding[] =>
    ids
      .filter((id) => !there.some((one) => one.id === id))
      .map((id) => ({ what: `${kind} ${id}`, change: "is gone from the project" }));
  return [
    ...gone("pipeline", declared.ids, status),
    ...gone("trigger", declared.triggers, triggers),
    ...status
      .filter(({ id }) => !declared.ids.includes(id))
      .map(({ id, name }) => ({
        what: `pipeline ${name} (${id})`,
        change: "is in the project, and not of this stack",
      })),
    ...triggers
      .filter(({ id }) => !declared.triggers.includes(id))
      .map(({ id, provider, event, pipeline, disabled }) => ({
        what: `trigger ${id}`,
        change: `${disabled ? "would start" : "starts"} pipeline ${pipeline} at ${[provider, event].filter((text) => text !== "").join(" ")}${disabled ? " if it was not disabled" : ""}, and is not of this stack`,
      })),
  ];
}

/** Values cannot be read back; the time of the last change shows that one was changed. */
export function contextFindings(organizationId: string, declared: DeclaredContext, status: ContextStatus): Finding[] {
  const context = declared.name;
  const remade: Finding[] =
    status.id === declared.id
      ? []
      : [{ what: `context ${context}`, change: "was deleted and made anew by someone else" }];
  const missing = declared.variables.filter(({ name }) => !status.variables.some((one) => one.name === name));
  return [
    ...remade,
    ...missing.map(({ name }) => ({ what: `variable ${name}`, change: `is gone from context ${context}` })),
    ...status.variables.flatMap((variable) => variableFinding(context, declared, variable)),
    ...restrictionFindings(context, organizationId, declared, status.restrictions),
  ];
}

function variableFinding(context: string, declared: DeclaredContext, { name, updatedAt }: ContextVariable): Finding[] {
  const what = `variable ${name}`;
  const known = declared.variables.find((variable) => variable.name === name);
  if (known === undefined) return [{ what, change: `is in context ${context}, and not of this stack` }];
  if (known.updatedAt === undefined) return [];
  // CircleCI may note the time a little later than it has answered the stack.
  const later = Date.parse(updatedAt) - Date.parse(known.updatedAt) > clockTolerance;
  return later ? [{ what, change: `was set behind the stack's back at ${updatedAt}` }] : [];
}

/** Milliseconds. */
const clockTolerance = 1000;

/** A context may be open to several projects. Each has a restriction to the group of all members, which CircleCI makes itself. */
function restrictionFindings(
  context: string,
  organizationId: string,
  declared: DeclaredContext,
  restrictions: readonly ContextRestriction[],
): Finding[] {
  const same = (one: { type: string; value: string }, other: { type: string; value: string }): boolean =>
    one.type === other.type && one.value === other.value;
  const projects = restrictions.filter(({ type }) => type === "project");
  const missing = declared.restrictions.filter((one) => !restrictions.some((other) => same(one, other)));
  const foreign = restrictions.filter(
    (one) => one.value !== organizationId && !declared.restrictions.some((other) => same(one, other)),
  );
  const open = projects.length === 0 ? ": every project of the organization may use its secrets" : "";
  const everywhere = ": jobs of other pipelines of the project may use its secrets, too";
  return [
    ...missing.map(({ type, value }) => ({
      what: `context ${context}`,
      change: `is not restricted to ${type} ${value} any more${type === "project" ? open : type === "expression" ? everywhere : ""}`,
    })),
    ...foreign.map(({ type, value, name }) => ({
      what: `context ${context}`,
      change:
        type === "project"
          ? `lets in project ${name === "" ? value : `${name} (${value})`}, too`
          : `has a restriction to ${type} ${value} that is not of this stack`,
    })),
  ];
}
