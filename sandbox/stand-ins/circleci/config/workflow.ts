import { z } from "zod";
import { conditionHolds, interpolated, matchesWhole } from "../../../../circleci/expression.ts";
import { requirementProblems } from "../../../../circleci/references.ts";
import {
  contextSchema,
  endings,
  filtersSchema,
  requiresSchema,
  workflowSchema,
  type Ending,
} from "../../../../circleci/schema.ts";
import { ConfigError, listAt, mapAt, type Yaml, type YamlMap } from "../../../../circleci/yaml.ts";
import { compileJob, type CompiledJob, type JobDefinitions } from "./job.ts";
import { checkAt } from "./read.ts";

/** A job that must have ended in one of some ways before another starts. */
export interface Requirement {
  job: string;
  endings: readonly Ending[];
}

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
  /** The branch that is built, if it is one; else the tag. */
  branch: string | undefined;
  tag: string | undefined;
}

/** A workflow with its jobs; `undefined`: its condition says that it does not run. @throws ConfigError */
export function compileWorkflow(name: string, workflow: Yaml, context: WorkflowContext): CompiledWorkflow | undefined {
  const location = `workflows.${name}`;
  const { when, unless, jobs } = checkAt(location, workflowSchema, workflow);
  // What is checked is still plain YAML.
  const holds = (key: string, condition: unknown): boolean =>
    conditionHolds(`${location}.${key}`, condition as Yaml, context.pipeline);
  if (when !== undefined && !holds("when", when)) return undefined;
  if (unless !== undefined && holds("unless", unless)) return undefined;
  const all = listAt(`${location}.jobs`, jobs as Yaml).map((job, index) =>
    compileWorkflowJob(`${location}.jobs.${index}`, job, context),
  );
  const [problem] = requirementProblems(
    location,
    all.map((job) => ({ name: job.name, requires: job.requires.map((required) => required.job) })),
  );
  if (problem !== undefined) throw new ConfigError(problem.location, problem.message);
  return { name, jobs: withoutFiltered(all) };
}

const approvalSchema = z.strictObject({ type: z.literal("approval"), name: z.string().optional() });
/** What CircleCI knows and this stand-in does not; anything else is a parameter of the job. */
const unknownKeys = ["matrix", "pre-steps", "post-steps", "serial-group", "override-with"];

function compileWorkflowJob(location: string, entry: Yaml, context: WorkflowContext): WorkflowJob & { runs: boolean } {
  const [key, settings] = jobEntry(location, entry);
  const at = `${location}.${key}`;
  const { filters, ...rest } = settings;
  const { requires, context: contexts, ...own } = mapAt(at, interpolated(at, rest, context.pipeline));
  const unknown = unknownKeys.find((one) => own[one] !== undefined);
  if (unknown !== undefined) throw new ConfigError(at, `the sandbox's CircleCI does not know the key "${unknown}"`);
  const common = {
    requires: requirementsOf(`${at}.requires`, requires),
    contexts: [checkAt(`${at}.context`, contextSchema.default([]), contexts)].flat(),
    runs: passesFilters(`${at}.filters`, filters, context),
  };
  if (own["type"] !== undefined) return { ...common, name: checkAt(at, approvalSchema, own).name ?? key };
  const { name = key, ...parameters } = own;
  return { ...common, name: checkAt(`${at}.name`, z.string(), name), definition: compileJob(key, parameters, context) };
}

function jobEntry(location: string, entry: Yaml): [key: string, settings: YamlMap] {
  if (typeof entry === "string") return [entry, {}];
  const [first, ...others] = Object.entries(mapAt(location, entry));
  if (first === undefined) throw new ConfigError(location, "must be a job");
  if (others.length > 0) throw new ConfigError(location, "must be one job with its settings");
  const [key, settings] = first;
  return [key, settings === null || settings === undefined ? {} : mapAt(`${location}.${key}`, settings)];
}

function requirementsOf(location: string, requires: Yaml): Requirement[] {
  return checkAt(location, requiresSchema.default([]), requires).flatMap((item): Requirement[] =>
    typeof item === "string"
      ? [{ job: item, endings: ["success"] }]
      : Object.entries(item).map(([job, statuses]) => ({
          job,
          endings: [statuses].flat().flatMap((status) => (status === "terminal" ? endings : [status])),
        })),
  );
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

/**
 * Whether a job runs on a branch or a tag, by an expression or by names and `/patterns/`. For a tag, a job runs only where its
 * filters speak of tags, whatever they say of branches.
 * Source: https://circleci.com/docs/workflows/#executing-workflows-for-a-git-tag
 */
function passesFilters(location: string, filters: Yaml, { branch, tag, pipeline }: WorkflowContext): boolean {
  if (filters === undefined) return branch !== undefined;
  if (typeof filters === "string") return conditionHolds(location, filters, pipeline);
  const { branches = {}, tags } = checkAt(location, filtersSchema, filters);
  const names = branch === undefined ? tags : branches;
  const name = branch ?? tag;
  if (names === undefined || name === undefined) return false;
  const { only, ignore } = names;
  const matches = (list: string | readonly string[]): boolean =>
    [list].flat().some((item) => matchesName(location, item, name));
  return (only === undefined || matches(only)) && (ignore === undefined || !matches(ignore));
}

function matchesName(location: string, item: string, name: string): boolean {
  return item.length > 1 && item.startsWith("/") && item.endsWith("/")
    ? matchesWhole(location, item.slice(1, -1), name)
    : item === name;
}
