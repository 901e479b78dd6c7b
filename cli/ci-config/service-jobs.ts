import { batches, imageDepths, jobOf, jobsOf, type Batch } from "./batches.ts";
import type { PipelineJob, RunArgs } from "./pipeline-job.ts";
import type { PipelineService } from "./pipeline.ts";
import { testEnvironment } from "./test-image.ts";

/** What tests services. */
export function tests(args: RunArgs): PipelineJob[] {
  return testBatches(args).map((batch) => ({
    kind: batch.services[0]?.testScript === undefined ? "test" : "test-in-image",
    name: `test-${batch.name}`,
    batch,
  }));
}

/** Services that share a job need the same image and service containers. */
function testBatches({ pipeline, perJob }: RunArgs): Batch[] {
  const tested = [...pipeline.services, ...pipeline.testedOnly].filter(({ untested }) => untested !== true);
  return batches(tested, perJob, (service) => `${testEnvironment(service)} ${service.testScript !== undefined}`);
}

/** What makes files for images is code of others, and gets no credentials. */
function preparations(args: RunArgs): PipelineJob[] {
  return preparationBatches(args).map((batch) => ({ kind: "prepare-image", name: `prepare-${batch.name}`, batch }));
}

/** Services that share a job need the same image. */
function preparationBatches({ pipeline, perJob }: RunArgs): Batch[] {
  const prepared = pipeline.services.filter(({ prepare }) => prepare !== undefined);
  return batches(prepared, perJob, ({ prepare }) => prepare?.image ?? pipeline.image);
}

function archivesOf(batch: Batch, prepared: ReadonlyMap<string, string>): readonly string[] {
  return jobsOf(batch, prepared).map((name) => name.replace(/^prepare-/, ""));
}

/**
 * What builds images and pushes them, and what makes files for them before.
 * @param context with the login that pushes
 */
export function pushedBuilds(
  args: RunArgs,
  { afterTests, context }: { afterTests: boolean; context: string },
): PipelineJob[] {
  const { services } = args.pipeline;
  const built = batches(services, args.perJob, depthIn(services));
  const buildOf = jobOf("build", built);
  const testOf = jobOf("test", testBatches(args));
  const prepared = jobOf("prepare", preparationBatches(args));
  const builds = built.map((batch): PipelineJob => {
    const own = new Set(batch.services.map(({ name }) => name));
    // Made from an image that is built here, it is made from what comes of that.
    const bases = batch.services.flatMap((service) => service.bases ?? []).filter((base) => !own.has(base));
    const before = bases.flatMap((base) => buildOf.get(base) ?? []);
    const tested = afterTests ? jobsOf(batch, testOf) : [];
    return {
      kind: "build",
      name: `build-${batch.name}`,
      batch,
      takesDigests: before.length > 0,
      prepared: archivesOf(batch, prepared),
      contexts: [context],
      requires: [...new Set([...tested, ...jobsOf(batch, prepared), ...before])],
    };
  });
  return [...preparations(args), ...builds];
}

/** What only builds images, and what makes files for them before. */
export function unpushedBuilds(args: RunArgs, credentials: Pick<PipelineJob, "contexts">): PipelineJob[] {
  const { services } = args.pipeline;
  const prepared = jobOf("prepare", preparationBatches(args));
  const builds = batches(services, args.perJob, depthIn(services)).map((batch): PipelineJob => ({
    kind: "build-only",
    name: `build-${batch.name}`,
    batch,
    prepared: archivesOf(batch, prepared),
    requires: jobsOf(batch, prepared),
    ...credentials,
  }));
  return [...preparations(args), ...builds];
}

/** An image is built after those that it is made from, so that they never share a job. */
function depthIn(services: readonly PipelineService[]): (service: PipelineService) => string {
  const depthOf = imageDepths(services);
  return (service) => String(depthOf(service));
}
