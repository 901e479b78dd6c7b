import type { PipelineJob, RunArgs } from "./pipeline-job.ts";
import { healthWait, type Pipeline, type PipelineEnvironment, type Promotion, type TriggerKind } from "./pipeline.ts";
import { pushedBuilds, tests, unpushedBuilds } from "./service-jobs.ts";

/** The jobs that a run has for a trigger, each after those that it requires; the aggregate status is not among them. */
export function pipelineJobs(trigger: TriggerKind, args: RunArgs): readonly PipelineJob[] {
  return {
    deliver,
    review: (all: RunArgs) => review(all, { trusted: true }),
    "review-with-environment": reviewWithEnvironment,
    "review-of-fork": (all: RunArgs) => review(all, { trusted: false }),
    drift: ({ pipeline }: RunArgs) => drift(pipeline),
    resume: ({ pipeline }: RunArgs) => resumeJobs(pipeline),
  }[trigger](args);
}

/** Whether a trigger can happen at all. */
export function happens(trigger: TriggerKind, { previewEnvironments, resumes }: Pipeline): boolean {
  if (trigger === "resume") return resumes === true;
  return trigger !== "review-with-environment" || previewEnvironments;
}

/**
 * The jobs whose success makes the one status of a commit: all but those that wait for a person, and what waits for these.
 * Drift is found in environments and not in a commit, so it is none of a commit's.
 */
export function awaitedJobs(jobs: readonly PipelineJob[]): readonly string[] {
  const approved = jobs.reduce<ReadonlySet<string>>(
    (found, { kind, name, requires = [] }) =>
      kind === "approval" || requires.some((required) => found.has(required)) ? new Set([...found, name]) : found,
    new Set(),
  );
  return jobs.map(({ name }) => name).filter((name) => !approved.has(name));
}

function deliver(args: RunArgs): PipelineJob[] {
  const { first, promotions, services, releases, contexts } = args.pipeline;
  if (services.length === 0) return tests(args);
  // CI releases an image after its tests, so its build need not wait for them. A watcher of the registry releases it at once.
  const images = [...tests(args), ...pushedBuilds(args, { afterTests: !releases, context: contexts.build })];
  const built = images.map(({ name }) => name);
  const release: PipelineJob = {
    kind: "release",
    name: `release-${first.name}`,
    requires: built,
    contexts: withRegistry(args.pipeline, first),
    environment: first.name,
  };
  const released = releases ? [release.name] : built;
  const proved = verification(first, released);
  return [
    ...images,
    ...(releases ? [release] : []),
    publication(first, released),
    ...proved,
    // What a watcher of the registry releases names no commit, and gets no version.
    ...(releases ? tagging(first, proved.length === 0 ? released : namesOf(proved)) : []),
    ...promotions.flatMap((promotion) => {
      const jobs = promotionJobs(promotion, args, proved.length === 0 ? released : namesOf(proved));
      const promoted = namesOf(jobs.slice(-1));
      const verified = verification(promotion, promoted);
      return [
        ...jobs,
        ...verified,
        ...tagging(promotion, verified.length === 0 ? promoted : namesOf(verified)),
        publication(promotion, promoted),
      ];
    }),
    ...tidying(args.pipeline, [`publish-state-${first.name}`]),
  ];
}

function namesOf(jobs: readonly PipelineJob[]): string[] {
  return jobs.map(({ name }) => name);
}

/** Waits until what was released has proved itself, where it has to. */
function verification({ name, context, verifyWait }: PipelineEnvironment, requires: readonly string[]): PipelineJob[] {
  if (verifyWait === undefined) return [];
  const options = `--wait ${verifyWait}m`;
  return [{ kind: "verify", name: `verify-${name}`, requires, contexts: [context], environment: name, options }];
}

/** Gives what runs a version each, where it gets some: after the release, and the verdict where one is awaited. */
function tagging({ name, context, hasVersions }: PipelineEnvironment, requires: readonly string[]): PipelineJob[] {
  if (hasVersions !== true || requires.length === 0) return [];
  return [{ kind: "tag", name: `tag-${name}`, requires, contexts: [context], environment: name }];
}

/**
 * What no job waits for any more: in each environment, what has waited for a window is released, and one look is taken at what
 * has to prove itself. What comes of it is promoted as far as no person has to approve.
 */
function resumeJobs(pipeline: Pipeline): PipelineJob[] {
  const { first, promotions } = pipeline;
  const resumed = [first, ...promotions].flatMap((environment): PipelineJob[] => {
    const { name, verifyWait, hasWindows } = environment;
    const release: PipelineJob = {
      kind: "release-waiting",
      name: `release-${name}`,
      contexts: withRegistry(pipeline, environment),
      environment: name,
    };
    const released = hasWindows === true ? [release] : [];
    const look = verifyWait === undefined ? {} : { verifyWait: 0 };
    return [...released, ...verification({ ...environment, ...look }, namesOf(released))];
  });
  const promoted = promotions.flatMap((promotion): PipelineJob[] => {
    const last = resumed.findLast(({ environment }) => environment === promotion.from);
    if (last === undefined || promotion.approval) return [];
    return [
      {
        kind: "promote",
        name: `promote-${promotion.name}`,
        requires: [last.name],
        contexts: withRegistry(pipeline, promotion),
        environment: promotion.name,
      },
    ];
  });
  const tagged = [first, ...promotions].flatMap((environment) => {
    const last = resumed.findLast(({ environment: name }) => name === environment.name);
    const promotion = promoted.find(({ environment: name }) => name === environment.name);
    return tagging(environment, namesOf([last, promotion].filter((job) => job !== undefined)));
  });
  return [...resumed, ...promoted, ...tagged];
}

/** The contexts of a job of an environment that asks the registry for its images. */
export function withRegistry({ contexts }: Pipeline, { context, pulls }: PipelineEnvironment): string[] {
  return pulls ? [context] : [contexts.build, context];
}

/** A pull request that was merged no longer needs its preview environment. */
function tidying({ contexts, previewEnvironments }: Pipeline, requires: readonly string[]): PipelineJob[] {
  if (!previewEnvironments) return [];
  const name = "tidy-preview-environments";
  return [{ kind: name, name, requires, contexts: [contexts.previews] }];
}

/** Publishes the state for previews without credentials. No other job waits for it. */
function publication({ name, context }: PipelineEnvironment, requires: readonly string[]): PipelineJob {
  return { kind: "publish-state", name: `publish-state-${name}`, requires, contexts: [context], environment: name };
}

/** @param trusted whether the commits come from people who may push, and so read what there is for pull requests */
function review(args: RunArgs, { trusted }: { trusted: boolean }): PipelineJob[] {
  const { previews, contexts, pullLogin } = args.pipeline;
  // For what images are built on, as far as there is a login that may only pull.
  const builds = unpushedBuilds(args, trusted && pullLogin ? { contexts: [contexts.read] } : {});
  const preview: PipelineJob = trusted
    ? { kind: "preview", name: "preview", contexts: [contexts.read] }
    : { kind: "preview-of-fork", name: "preview" };
  return [...tests(args), ...builds, ...(previews ? [preview] : [])];
}

function reviewWithEnvironment(args: RunArgs): PipelineJob[] {
  const { services, previews, contexts } = args.pipeline;
  // Images of other branches than the delivered one have no tag that a watcher of the registry releases.
  const builds = pushedBuilds(args, { afterTests: false, context: contexts.previews });
  const preview: PipelineJob = { kind: "preview", name: "preview", contexts: [contexts.read] };
  const environment: PipelineJob = {
    kind: "preview-environment",
    name: "preview-environment",
    requires: builds.map(({ name }) => name),
    contexts: [contexts.previews],
    takesDigests: services.length > 0,
  };
  return [...tests(args), ...builds, ...(previews ? [preview] : []), environment];
}

function drift({ first, promotions }: Pipeline): PipelineJob[] {
  return [first, ...promotions].map(({ name, context }) => ({
    kind: "drift",
    name: `drift-${name}`,
    contexts: [context],
    environment: name,
  }));
}

/**
 * The job that promotes, after a person's approval if it takes one.
 * @param released the jobs after which the first environment has the digests, and they have proved themselves where they have to
 */
function promotionJobs(
  promotion: Promotion,
  { pipeline, approvals }: RunArgs,
  released: readonly string[],
): PipelineJob[] {
  const { from, name, approval } = promotion;
  const contexts = withRegistry(pipeline, promotion);
  const source = pipeline.promotions.find(({ name: other }) => other === from);
  const last = source?.verifyWait === undefined ? "promote" : "verify";
  const before = from === pipeline.first.name ? released : [`${last}-${from}`];
  // What is approved is what this run has shown, whatever runs by then.
  const propose: PipelineJob = {
    kind: "propose",
    name: `propose-${name}`,
    requires: before,
    contexts,
    environment: name,
  };
  const approve: PipelineJob = { kind: "approval", name: `approve-${name}`, requires: [propose.name] };
  const isAsked = approval && approvals;
  const wait = healthWait(promotion);
  const options = [
    ...(wait === undefined ? [] : [`--wait ${wait}m`]),
    ...(isAsked ? [`--approved "$approved"`] : approval ? ["--pull-request"] : []),
  ].join(" ");
  const promote: PipelineJob = {
    kind: "promote",
    name: `promote-${name}`,
    requires: isAsked ? [approve.name] : before,
    contexts,
    environment: name,
    options,
    approved: isAsked,
  };
  return isAsked ? [propose, ...choiceJobs(promotion, pipeline, propose.name), approve, promote] : [promote];
}

/** What a person may choose in place of approving: for each choice an approval of its own, and the job that carries it out. */
function choiceJobs(promotion: Promotion, pipeline: Pipeline, proposal: string): PipelineJob[] {
  const { name, from, choices = [] } = promotion;
  const source = [pipeline.first, ...pipeline.promotions].find((environment) => environment.name === from);
  return choices.flatMap((choice): PipelineJob[] => {
    const approval: PipelineJob = { kind: "approval", name: `choose-${choice}-${name}`, requires: [proposal] };
    return [
      approval,
      {
        kind: "decide",
        name: `${choice}-${name}`,
        requires: [approval.name],
        // What is taken back is taken back where it comes from.
        contexts: choice === "hold" || source === undefined ? [promotion.context] : withRegistry(pipeline, source),
        environment: name,
        options: `--${choice} "as a person has chosen in CI"`,
      },
    ];
  });
}
