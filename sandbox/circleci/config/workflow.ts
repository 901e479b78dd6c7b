import { z } from "zod";
import { checkAt, ConfigError } from "./config-error.ts";
import { passesFilters } from "./filters.ts";
import { interpolated } from "./interpolation.ts";
import { compileJob, type CompiledJob, type JobContext } from "./job.ts";
import { conditionHolds } from "./logic.ts";
import { checkRequirements, requirementsOf, type Requirement } from "./requires.ts";
import { listAt, mapAt, type Yaml, type YamlMap } from "./yaml.ts";

const contextSchema = z
  .union([z.string(), z.array(z.string())])
  .transform((one) => [one].flat())
  .default([]);
const approvalSchema = z.strictObject({ type: z.literal("approval"), name: z.string().optional() });

/** One job of a workflow; without a definition it is an approval. */
export interface WorkflowJob {
  name: string;
  requires: Requirement[];
  contexts: string[];
  definition?: CompiledJob;
}

export interface CompiledWorkflow {
  name: string;
  jobs: WorkflowJob[];
}

export interface WorkflowContext extends JobContext {
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
