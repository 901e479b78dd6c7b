import type { Workflow } from "../../circleci/schema.ts";
import { invocation, withAggregate, type Call } from "./calls.ts";
import { batches, imageDepths, jobOf, jobsOf, serviceArguments, type Batch } from "./batches.ts";
import { plainExecutor, servicePorts } from "./executors.ts";
import { prepareParameters } from "./prepare-image.ts";
import { verbatim } from "./steps.ts";
import { testScript } from "./test-image.ts";
import {
  healthWait,
  type Pipeline,
  type PipelineEnvironment,
  type PipelineService,
  type PrepareCommand,
  type Promotion,
  type TriggerKind,
} from "./pipeline.ts";

interface WorkflowArgs {
  readonly pipeline: Pipeline;
  readonly executorOf: (service: PipelineService) => string;
  readonly preparing: (prepare: PrepareCommand) => string;
  /** How many services a job may test or build. */
  readonly perJob: number;
  /** Why the run fails whatever its jobs come to. @default it need not */
  readonly problem?: string | undefined;
}

/** The jobs that a pipeline runs for a trigger. */
export function workflow(trigger: TriggerKind, args: WorkflowArgs): Workflow {
  const when = { equal: [trigger, "<< pipeline.parameters.trigger >>"] };
  // Drift is found in environments and not in a commit, so no status is reported on the commit.
  if (trigger === "drift") return { when, jobs: drift(args.pipeline).map(invocation) };
  const calls = {
    deliver,
    review: (all: WorkflowArgs) => review(all, { trusted: true }),
    "review-with-environment": reviewWithEnvironment,
    "review-of-fork": (all: WorkflowArgs) => review(all, { trusted: false }),
  }[trigger](args);
  return { when, jobs: withAggregate(calls, args.problem) };
}

function deliver(args: WorkflowArgs): Call[] {
  const { first, promotions, services, releases, contexts } = args.pipeline;
  if (services.length === 0) return tests(args);
  // CI releases an image after its tests, so its build need not wait for them. A watcher of the registry releases it at once.
  const images = [...tests(args), ...pushedBuilds(args, { afterTests: !releases, context: contexts.build })];
  const built = images.map(({ name }) => name);
  const release = {
    job: "release",
    name: `release-${first.name}`,
    requires: built,
    contexts: withRegistry(args.pipeline, first),
    parameters: { environment: first.name },
  };
  const released = releases ? [release.name] : built;
  return [
    ...images,
    ...(releases ? [release] : []),
    publication(first, released),
    ...promotions.flatMap((promotion) => {
      const calls = promotionCalls(promotion, args.pipeline, released);
      return [
        ...calls,
        publication(
          promotion,
          calls.slice(-1).map(({ name }) => name),
        ),
      ];
    }),
    ...tidying(args.pipeline, [`publish-state-${first.name}`]),
  ];
}

/** The contexts of a job of an environment that asks the registry for its images. */
function withRegistry({ contexts }: Pipeline, { context, pulls }: PipelineEnvironment): string[] {
  return pulls ? [context] : [contexts.build, context];
}

/** A pull request that was merged no longer needs its preview environment. */
function tidying({ contexts, previewEnvironments }: Pipeline, requires: readonly string[]): Call[] {
  if (!previewEnvironments) return [];
  const name = "tidy-preview-environments";
  return [{ job: name, name, requires, contexts: [contexts.previews] }];
}

/** Publishes the state for previews without credentials. No other job waits for it. */
function publication({ name, context }: PipelineEnvironment, requires: readonly string[]): Call {
  return {
    job: "publish-state",
    name: `publish-state-${name}`,
    requires,
    contexts: [context],
    parameters: { environment: name },
  };
}

/** @param trusted whether the commits come from people who may push, and so read what there is for pull requests */
function review(args: WorkflowArgs, { trusted }: { trusted: boolean }): Call[] {
  const { services, previews, contexts, pullLogin } = args.pipeline;
  const prepared = jobOf("prepare", preparationBatches(args));
  const builds = batches(services, args.perJob, depthIn(services)).map((batch) => ({
    job: "build-only",
    name: `build-${batch.name}`,
    parameters: { ...batchParameters("build", batch, args), ...archivesOf(batch, prepared) },
    requires: jobsOf(batch, prepared),
    // For what it builds on, as far as there is a login that may only pull.
    ...(trusted && pullLogin ? { contexts: [contexts.read] } : {}),
  }));
  const preview = trusted
    ? { job: "preview", name: "preview", contexts: [contexts.read] }
    : { job: "preview-of-fork", name: "preview" };
  return [...tests(args), ...preparations(args), ...builds, ...(previews ? [preview] : [])];
}

function reviewWithEnvironment(args: WorkflowArgs): Call[] {
  const { services, previews, contexts } = args.pipeline;
  // Images of other branches than the delivered one have no tag that a watcher of the registry releases.
  const builds = pushedBuilds(args, { afterTests: false, context: contexts.previews });
  const preview = { job: "preview", name: "preview", contexts: [contexts.read] };
  const environment = {
    job: "preview-environment",
    name: "preview-environment",
    requires: builds.map(({ name }) => name),
    contexts: [contexts.previews],
    ...(services.length === 0 ? {} : { parameters: { built: true } }),
  };
  return [...tests(args), ...builds, ...(previews ? [preview] : []), environment];
}

function drift({ first, promotions }: Pipeline): Call[] {
  return [first, ...promotions].map(({ name, context }) => ({
    job: "drift",
    name: `drift-${name}`,
    contexts: [context],
    parameters: { environment: name },
  }));
}

function tests(args: WorkflowArgs): Call[] {
  const { executorOf } = args;
  return testBatches(args).map((batch) => {
    const [service] = batch.services;
    const executor = service === undefined ? plainExecutor : executorOf(service);
    const ports = service === undefined ? "" : servicePorts(service).join(" ");
    const isByItself = service?.testScript !== undefined;
    return {
      job: isByItself ? "test-in-image" : "test",
      name: `test-${batch.name}`,
      parameters: {
        ...(isByItself
          ? { tested: batch.name, command: verbatim(testScript(batch)) }
          : batchParameters("test", batch, args)),
        ...(executor === plainExecutor ? {} : { executor }),
        ...(ports === "" ? {} : { ports }),
      },
    };
  });
}

/** Services that share a job need the same image and service containers. */
function testBatches({ pipeline, executorOf, perJob }: WorkflowArgs): Batch[] {
  const tested = [...pipeline.services, ...pipeline.testedOnly].filter(({ untested }) => untested !== true);
  return batches(tested, perJob, (service) => `${executorOf(service)} ${service.testScript !== undefined}`);
}

/** What makes files for images is code of others, and gets no credentials. */
function preparations(args: WorkflowArgs): Call[] {
  return preparationBatches(args).map((batch) => {
    const [executor = plainExecutor] = batch.services.flatMap(({ prepare }) =>
      prepare ? args.preparing(prepare) : [],
    );
    const { command, ...parameters } = prepareParameters(batch, args.pipeline);
    return {
      job: "prepare-image",
      name: `prepare-${batch.name}`,
      parameters: {
        ...parameters,
        command: verbatim(command),
        ...(executor === plainExecutor ? {} : { executor }),
      },
    };
  });
}

/** Services that share a job need the same image. */
function preparationBatches({ pipeline, preparing, perJob }: WorkflowArgs): Batch[] {
  const prepared = pipeline.services.filter(({ prepare }) => prepare !== undefined);
  return batches(prepared, perJob, ({ prepare }) => (prepare ? preparing(prepare) : plainExecutor));
}

function archivesOf(batch: Batch, prepared: ReadonlyMap<string, string>): { prepared?: string } {
  const archives = jobsOf(batch, prepared).map((name) => name.replace(/^prepare-/, ""));
  return archives.length === 0 ? {} : { prepared: archives.join(" ") };
}

/** @param context with the login that pushes */
function pushedBuilds(args: WorkflowArgs, { afterTests, context }: { afterTests: boolean; context: string }): Call[] {
  const { services } = args.pipeline;
  const built = batches(services, args.perJob, depthIn(services));
  const buildOf = jobOf("build", built);
  const testOf = jobOf("test", testBatches(args));
  const prepared = jobOf("prepare", preparationBatches(args));
  const builds = built.map((batch) => {
    const own = new Set(batch.services.map(({ name }) => name));
    // Made from an image that is built here, it is made from what comes of that.
    const bases = batch.services.flatMap((service) => service.bases ?? []).filter((base) => !own.has(base));
    const before = bases.flatMap((base) => buildOf.get(base) ?? []);
    const tested = afterTests ? jobsOf(batch, testOf) : [];
    const requires = [...new Set([...tested, ...jobsOf(batch, prepared), ...before])];
    return {
      job: "build",
      name: `build-${batch.name}`,
      parameters: {
        ...batchParameters("build", batch, args),
        ...(before.length === 0 ? {} : { based: true }),
        ...archivesOf(batch, prepared),
      },
      contexts: [context],
      ...(requires.length === 0 ? {} : { requires }),
    };
  });
  return [...preparations(args), ...builds];
}

/** An image is built after those that it is made from, so that they never share a job. */
function depthIn(services: readonly PipelineService[]): (service: PipelineService) => string {
  const depthOf = imageDepths(services);
  return (service) => String(depthOf(service));
}

function batchParameters(kind: "build" | "test", batch: Batch, { perJob }: WorkflowArgs): Record<string, string> {
  return {
    service: serviceArguments(batch),
    ...(perJob === 1 ? {} : { job: `${kind}-${batch.name}` }),
  };
}

/**
 * The job that promotes, after a person's approval if it takes one.
 * @param released the jobs after which the first environment has the digests
 */
function promotionCalls(promotion: Promotion, pipeline: Pipeline, released: readonly string[]): Call[] {
  const { from, name, approval } = promotion;
  const contexts = withRegistry(pipeline, promotion);
  const before = from === pipeline.first.name ? released : [`promote-${from}`];
  // What is approved is what this workflow has shown, whatever runs by then.
  const propose = {
    job: "propose",
    name: `propose-${name}`,
    requires: before,
    contexts,
    parameters: { environment: name },
  };
  const approve = { job: "approval", name: `approve-${name}`, requires: [propose.name] };
  const wait = healthWait(promotion);
  const options = [
    ...(wait === undefined ? [] : [`--wait ${wait}m`]),
    ...(approval ? [`--approved "$approved"`] : []),
  ].join(" ");
  const promote = {
    job: "promote",
    name: `promote-${name}`,
    requires: approval ? [approve.name] : before,
    contexts,
    parameters: {
      environment: name,
      ...(options === "" ? {} : { options }),
      ...(approval ? { approved: true } : {}),
    },
  };
  return approval ? [propose, approve, promote] : [promote];
}
