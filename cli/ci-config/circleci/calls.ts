import type { Workflow } from "../../../circleci/schema.ts";
import { serviceArguments } from "../batches.ts";
import type { Pipeline, PipelineService, PrepareCommand } from "../pipeline.ts";
import type { PipelineJob } from "../pipeline-job.ts";
import { awaitedJobs } from "../pipeline-jobs.ts";
import { prepareParameters } from "../prepare-image.ts";
import { servicePorts } from "../service-ports.ts";
import { testScript } from "../test-image.ts";
import { plainExecutor } from "./executors.ts";
import { verbatim } from "./steps.ts";

/** What decides how a job is called. */
export interface CallArgs {
  readonly pipeline: Pipeline;
  readonly executorOf: (service: PipelineService) => string;
  readonly preparing: (prepare: PrepareCommand) => string;
  /** Whether a job may be for several services, which then gives it a name. */
  readonly shared: boolean;
}

/**
 * Job `delivery` waits for all of them, whatever they come to, but not for a person, nor for what waits for one.
 * @param problem why it fails all the same. @default it does not
 */
export function withAggregate(
  jobs: readonly PipelineJob[],
  call: (job: PipelineJob) => Workflow["jobs"][number],
  problem?: string,
): Workflow["jobs"] {
  const awaited = awaitedJobs(jobs);
  const settings = {
    ...(problem === undefined ? {} : { problem: verbatim(problem) }),
    ...(awaited.length === 0
      ? {}
      : { jobs: lines(awaited), requires: awaited.map((name) => ({ [name]: "terminal" as const })) }),
  };
  return [...jobs.map(call), Object.keys(settings).length === 0 ? "delivery" : { delivery: settings }];
}

/** A job of a workflow: the job of the configuration that it is, with the values of its parameters. */
export function invocation(job: PipelineJob, args: CallArgs): Workflow["jobs"][number] {
  const { kind, name, requires = [], contexts = [] } = job;
  const dependencies = requires.length === 0 ? {} : { requires: [...requires] };
  if (kind === "approval") return { [name]: { type: "approval", ...dependencies } };
  return {
    [kind]: {
      ...(name === kind ? {} : { name }),
      ...parametersOf(job, args),
      ...(contexts.length === 0 ? {} : { context: contexts.length === 1 ? contexts[0] : [...contexts] }),
      ...dependencies,
    },
  };
}

function parametersOf(job: PipelineJob, args: CallArgs): Record<string, string | boolean> {
  const { kind, name, batch, environment, prepared = [], takesDigests = false, options = "", approved = false } = job;
  const [service] = batch?.services ?? [];
  if (batch === undefined || service === undefined)
    return {
      // The jobs of the choices have one name for each, and so report as different ones.
      ...(kind === "decide" ? { job: name } : {}),
      ...(environment === undefined ? {} : { environment }),
      ...(options === "" ? {} : { options }),
      ...(approved ? { approved } : {}),
      ...(takesDigests ? { built: true } : {}),
    };
  const services = { service: serviceArguments(batch), ...(args.shared ? { job: name } : {}) };
  const inExecutor = (executor: string) => (executor === plainExecutor ? {} : { executor });
  if (kind === "prepare-image") {
    const { command, ...parameters } = prepareParameters(batch, args.pipeline);
    const executor = service.prepare ? args.preparing(service.prepare) : plainExecutor;
    return { ...parameters, command: verbatim(command), ...inExecutor(executor) };
  }
  if (kind === "test" || kind === "test-in-image") {
    const ports = servicePorts(service).join(" ");
    return {
      ...(kind === "test" ? services : { tested: batch.name, command: verbatim(testScript(batch)) }),
      ...inExecutor(args.executorOf(service)),
      ...(ports === "" ? {} : { ports }),
    };
  }
  return {
    ...services,
    ...(takesDigests ? { based: true } : {}),
    ...(prepared.length === 0 ? {} : { prepared: prepared.join(" ") }),
  };
}

/** Broken into lines, so that hundreds stay readable. */
function lines(names: readonly string[]): string {
  return names.reduce((text, name) => {
    if (text === "") return name;
    const line = text.slice(text.lastIndexOf("\n") + 1);
    return line.length + name.length < 100 ? `${text} ${name}` : `${text}\n${name}`;
  }, "");
}
