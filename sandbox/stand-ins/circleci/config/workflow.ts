import { z } from "zod";
import { conditionHolds, interpolated, matchesWhole, type Lookup } from "./expression.ts";
import { compileJob, type CompiledJob, type JobDefinitions } from "./job.ts";
import { checkAt, ConfigError, listAt, mapAt, type Yaml, type YamlMap } from "./yaml.ts";

const contextSchema = z
  .union([z.string(), z.array(z.string())])
  .transform((one) => [one].flat())
  .default([]);
const approvalSchema = z.strictObject({ type: z.literal("approval"), name: z.string().optional() });

/** One job of a workflow; without a definition it is an approval. */
interface WorkflowJob {
  name: string;
  requires: Requirement[];
  contexts: string[];
  definition?: CompiledJob;
}

export interface CompiledWorkflow {
  name: string;
  jobs: WorkflowJob[];
}

interface WorkflowContext extends JobDefinitions {
  /** The branch that is built, if it is one. */
  branch: string | undefined;
}

const workflowSchema = z.strictObject({
  when: z.unknown().optional(),
  unless: z.unknown().optional(),
  jobs: z.unknown().optional(),
});

/** A workflow with its jobs; `undefined`: its condition says that it does not run. */
export function compileWorkflow(name: string, workflow: Yaml, context: WorkflowContext): CompiledWorkflow | undefined {
  const place = `workflows.${name}`;
  const { when, unless, jobs } = checkAt(place, workflowSchema, workflow);
  // What is checked is still plain YAML.
  const holds = (key: string, condition: unknown): boolean =>
    conditionHolds(`${place}.${key}`, condition as Yaml, context.pipeline);
  if (when !== undefined && !holds("when", when)) return undefined;
  if (unless !== undefined && holds("unless", unless)) return undefined;
  const all = listAt(`${place}.jobs`, jobs as Yaml).map((job, index) =>
    compileWorkflowJob(`${place}.jobs.${index}`, job, context),
  );
  const names = all.map((job) => job.name);
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice !== undefined)
    throw new ConfigError(`${place}.jobs`, `two jobs are called ${JSON.stringify(twice)}: give one another name`);
  checkRequirements(place, all);
  return { name, jobs: withoutFiltered(all) };
}

function compileWorkflowJob(place: string, entry: Yaml, context: WorkflowContext): WorkflowJob & { runs: boolean } {
  const [[key, settings], ...others] = entriesOf(place, entry);
  if (others.length > 0) throw new ConfigError(place, "must be one job with its settings");
  const at = `${place}.${key}`;
  const { filters, ...rest } = mapAt(at, settings);
  const { requires, context: contexts, ...own } = mapAt(at, interpolated(at, rest, context.pipeline));
  for (const unknown of ["matrix", "pre-steps", "post-steps", "serial-group", "override-with"])
    if (own[unknown] !== undefined)
      throw new ConfigError(at, `the sandbox's CircleCI does not know the key "${unknown}"`);
  const common = {
    requires: requirementsOf(`${at}.requires`, requires),
    contexts: checkAt(`${at}.context`, contextSchema, contexts),
    runs: passesFilters(`${at}.filters`, filters, context.branch, context.pipeline),
  };
  if (own["type"] !== undefined) return { ...common, name: checkAt(at, approvalSchema, own).name ?? key };
  const { name = key, ...parameters } = own;
  return { ...common, name: checkAt(`${at}.name`, z.string(), name), definition: compileJob(key, parameters, context) };
}

function entriesOf(place: string, entry: Yaml): [[string, YamlMap], ...unknown[]] {
  if (typeof entry === "string") return [[entry, {}]];
  const [first, ...others] = Object.entries(mapAt(place, entry));
  if (first === undefined) throw new ConfigError(place, "must be a job");
  return [[first[0], first[1] === null || first[1] === undefined ? {} : mapAt(place, first[1])], ...others];
}

/** A job that is filtered out counts for nobody; one all of whose required jobs are filtered out goes with them. */
function withoutFiltered(jobs: readonly (WorkflowJob & { runs: boolean })[]): WorkflowJob[] {
  const filtered = new Set(jobs.filter(({ runs }) => !runs).map(({ name }) => name));
  const gone = jobs.filter(
    ({ runs, requires }) => runs && requires.length > 0 && requires.every(({ job }) => filtered.has(job)),
  );
  if (gone.length > 0) return withoutFiltered(jobs.map((job) => (gone.includes(job) ? { ...job, runs: false } : job)));
  return jobs.flatMap(({ runs, ...job }) =>
    runs ? [{ ...job, requires: job.requires.filter(({ job: required }) => !filtered.has(required)) }] : [],
  );
}

/** How a required job may have ended. Source: https://circleci.com/docs/configuration-reference/#requires */
const endings = ["success", "failed", "canceled", "unauthorized", "not_run"] as const;
export type Ending = (typeof endings)[number];

const endingSchema = z.enum([...endings, "terminal"]);
const requireSchema = z.union([z.string(), z.record(z.string(), z.union([endingSchema, z.array(endingSchema)]))]);
const requiresSchema = z.array(requireSchema).default([]);

/** A job that must have ended in one of some ways before another starts. */
export interface Requirement {
  job: string;
  endings: readonly Ending[];
}

function requirementsOf(place: string, requires: unknown): Requirement[] {
  return checkAt(place, requiresSchema, requires).flatMap((item): Requirement[] =>
    typeof item === "string"
      ? [{ job: item, endings: ["success"] }]
      : Object.entries(item).map(([job, statuses]) => ({
          job,
          endings: [statuses].flat().flatMap((one) => (one === "terminal" ? endings : [one])),
        })),
  );
}

interface Requiring {
  name: string;
  requires: readonly Requirement[];
}

/** @throws ConfigError for a required job that is not there, and for jobs that wait for each other */
function checkRequirements(place: string, jobs: readonly Requiring[]): void {
  const byName = new Map(jobs.map((job) => [job.name, job]));
  const visit = (job: Requiring, path: readonly string[]): void => {
    if (path.includes(job.name))
      throw new ConfigError(place, `jobs require each other: ${[...path, job.name].join(" → ")}`);
    for (const requirement of job.requires) {
      const required = byName.get(requirement.job);
      // The words of CircleCI's validation.
      if (required === undefined)
        throw new ConfigError(
          place,
          `Job '${job.name}' requires '${requirement.job}', which is the name of 0 other jobs in the workflow`,
        );
      visit(required, [...path, job.name]);
    }
  };
  for (const job of jobs) visit(job, []);
}

const branchesSchema = z
  .union([z.string(), z.array(z.string())])
  .transform((one) => [one].flat())
  .optional();
const filtersSchema = z.strictObject({
  branches: z.strictObject({ only: branchesSchema, ignore: branchesSchema }).optional(),
});

/**
 * Whether a job runs on a branch, by an expression or by names and `/patterns/` of branches.
 * Source: https://circleci.com/docs/configuration-reference/#filters
 *
 * @param branch `undefined`: a tag, for which jobs with filters of branches do not run
 */
function passesFilters(place: string, filters: Yaml, branch: string | undefined, lookup: Lookup): boolean {
  if (filters === undefined) return branch !== undefined;
  if (typeof filters === "string") return conditionHolds(place, filters, lookup);
  const { only, ignore } = checkAt(place, filtersSchema, filters).branches ?? {};
  if (branch === undefined) return false;
  const names = (list: readonly string[]): boolean => list.some((item) => matchesBranch(item, branch));
  return (only === undefined || names(only)) && (ignore === undefined || !names(ignore));
}

function matchesBranch(item: string, branch: string): boolean {
  return item.length > 1 && item.startsWith("/") && item.endsWith("/")
    ? matchesWhole(item.slice(1, -1), branch)
    : item === branch;
}
