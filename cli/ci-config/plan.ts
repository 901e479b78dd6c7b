import { basename, dirname, join, matchesGlob, normalize, relative } from "node:path";
import { unclaimedDockerfiles } from "../../components/service/find-services.ts";
import { serviceFile } from "../../components/service/service-files.ts";
import { errorMessage } from "../../core/error.ts";
import { deliveredBranch as branchDelivered } from "../../git/delivered-branch.ts";
import { openSourceRepository } from "../../git/source-repository.ts";
import { affectedServices, type AffectedServices } from "../affected/affected-services.ts";
import { branchPoint, readReleasedFrom, type ReleasedFrom } from "../affected/base-commit.ts";
import type { CommandContext } from "../command.ts";
import { githubOf } from "../github/access.ts";
import { holdLabel } from "../github/hold.ts";
import { fenced } from "../github/markdown.ts";
import { commentReport } from "../preview/comment.ts";
import { findEnvironment } from "../project/environment.ts";
import type { Monorepo } from "../project/monorepo.ts";
import type { Project } from "../project/stack-file.ts";
import { untestedReason, untestedServices } from "../testing/untested.ts";
import type { CiEngine, ContinueOptions, RunPlan } from "./engine.ts";
import { engines } from "./engines.ts";
import { staleFiles } from "./generated-files.ts";
import type { Pipeline } from "./pipeline.ts";
import { readPipeline, type KnownPipeline } from "./read-pipeline.ts";
import { hasEarlierPreview, triggerOf } from "./trigger.ts";

interface PlanArgs {
  readonly project: Project;
  /** The first environment. */
  readonly environment: string;
  /** The commit before, where CI knows it. @default unknown */
  readonly from: string | undefined;
  readonly to: string;
  readonly branch: string;
  /** What a schedule asks for. @default a push */
  readonly schedule: "drift" | "resume" | undefined;
  /** The monorepo's URL for Git, for engines that ask for it. @default none */
  readonly repository?: string | undefined;
  /** The file for the jobs that are to run, for engines that take one. @default none */
  readonly plan?: string | undefined;
}

/**
 * Continues with the part of the pipeline that a push asks for. Where that cannot be said, it continues with one job that
 * fails and says why: a status that never comes would block a pull request, and nobody would know why.
 * @throws CommandError with what is wrong, after CI knows it
 */
export async function planAndContinue(args: PlanArgs, context: CommandContext): Promise<void> {
  // What is known of it even if the rest of the file is wrong; `plan` reports what is wrong with `ci`, too.
  const ci: ContinueOptions["ci"] = args.project.stackFile(args.environment).salvage("ci") ?? {};
  const engine = engines[ci.engine ?? "circleci"];
  const options = { ci, commit: args.to, branch: args.branch, repository: args.repository, plan: args.plan };
  const planned = await plan(args, engine, context).catch((error: unknown) => {
    if (context.signal.aborted || !(error instanceof Error)) throw error;
    return error;
  });
  if (!(planned instanceof Error)) return engine.continueRun(planned, options, context);
  await engine.failRun(planned.message, options, context);
  await commentFailure(args, planned.message, context);
  throw planned;
}

async function plan(args: PlanArgs, engine: CiEngine, context: CommandContext): Promise<RunPlan> {
  const { project, environment, from, to, branch, schedule } = args;
  const remotes = askRemotes(args);
  const known = await readPipeline(project, environment);
  const unclaimed = unclaimedDockerfiles(known.monorepo, known.monorepo.services);
  if (unclaimed !== undefined) context.note(`note: ${unclaimed}`);
  const { github, gitops } = known.settings;
  const { deliveredBranch: asked, releasedFrom } = remotes();
  const deliveredBranch = await asked;
  const trigger = await triggerOf({ branch, deliveredBranch, schedule, previews: gitops?.previews, github }, context);
  if (schedule !== undefined) {
    const { first, promotions } = known.pipeline;
    context.print(`${schedule}: ${[first, ...promotions].map(({ name }) => name).join(", ")}`);
    return { trigger, pipeline: known.pipeline };
  }
  const [stale] = staleFiles(join(known.root, engine.directory), engine.files(known.pipeline));
  const push = { from, to, delivered: trigger.kind === "deliver", deliveredBranch, releasedFrom };
  const { pipeline: changed, changes } = await changedPart(known, push, context.note);
  const previews = trigger.queued !== true && (changed.previews || (await hasEarlierPreview(github, trigger, context)));
  const pipeline = { ...changed, previews };
  const untested = new Set(untestedServices(known.monorepo.services));
  const lines = [
    `${trigger.kind}${trigger.pullRequest === undefined ? "" : ` of pull request ${trigger.pullRequest}`}: ${changes.services.length} of ${known.pipeline.services.length} services have changed`,
    ...changes.services.map(
      ({ name, reason: why }) => `  ${name}: ${why}${untested.has(name) ? `; ${untestedReason}` : ""}`,
    ),
    ...changes.tests.map(
      ({ name, reason: why }) => `  ${name}, only its tests: ${why}${untested.has(name) ? `; ${untestedReason}` : ""}`,
    ),
  ];
  context.print(lines.join("\n"));
  const problems = [
    ...(trigger.held !== undefined
      ? [`pull request ${trigger.held} is on hold: take the label ${holdLabel} off, and run its pipeline again`]
      : []),
    ...(stale === undefined ? [] : [`${stale}; run \`npx ${pipeline.regenerate}\` and commit the result`]),
  ];
  return { trigger, pipeline, problem: problems.length === 0 ? undefined : problems.join("; and ") };
}

/** What only other machines know. Both may be rejected. */
interface RemoteAnswers {
  readonly deliveredBranch: Promise<string>;
  /** What the services that run were built from. @default no record says it, or the push is to another branch */
  readonly releasedFrom: Promise<ReleasedFrom | undefined>;
}

/**
 * Asks other machines while the pipeline is read, which keeps this process busy.
 * @returns the answers, for when it has been read: what is wrong in the stack file is said there, with all else that is
 */
function askRemotes({ project, environment, branch, schedule }: PlanArgs): () => RemoteAnswers {
  const ask = (): RemoteAnswers => {
    const { app, github, delivery, gitops } = project
      .stackFile(environment)
      .read("app", "github", "delivery", "gitops");
    const deliveredBranch = branchDelivered(github?.branch, app.directory);
    const releasedFrom = deliveredBranch.then((delivered) => {
      if (schedule !== undefined || branch !== delivered || delivery !== "gitops") return undefined;
      const isWatched = gitops?.release === "registry-watch";
      return readReleasedFrom(findEnvironment(project, environment, {}), isWatched);
    });
    for (const answer of [deliveredBranch, releasedFrom]) answer.catch(() => undefined);
    return { deliveredBranch, releasedFrom };
  };
  try {
    const asked = ask();
    return () => asked;
  } catch {
    return ask;
  }
}

interface ChangedPart {
  /** The pipeline with nothing but what has changed. */
  readonly pipeline: Pipeline;
  readonly changes: AffectedServices;
}

interface Push {
  /** The commit before it, where CI knows that. @default unknown */
  readonly from: string | undefined;
  readonly to: string;
  /** Whether it is to the branch that is delivered. */
  readonly delivered: boolean;
  /** What is merged there is delivered. */
  readonly deliveredBranch: string;
  readonly releasedFrom: RemoteAnswers["releasedFrom"];
}

/** On the delivered branch everything counts that was not released yet, so that the next run makes up for one that failed. */
async function changedPart(
  { pipeline, monorepo, root }: KnownPipeline,
  { from, to, delivered, deliveredBranch, releasedFrom }: Push,
  note: (line: string) => void,
): Promise<ChangedPart> {
  const repository = await openSourceRepository(root);
  const base = delivered ? from : await branchPoint(repository, to, deliveredBranch);
  const [changes, files] = await Promise.all([
    affectedServices({ monorepo, from: base, to, releasedFrom: await releasedFrom, note }),
    base === undefined ? undefined : repository.changedSince([base], to).then((changed) => changed.get(base)),
  ]);
  const named = (list: readonly { readonly name: string }[]) => {
    const names = new Set(list.map(({ name }) => name));
    return pipeline.services.filter(({ name }) => names.has(name));
  };
  const services = named(changes.services);
  const declares = (file: string): boolean =>
    isOfProgram(file, root, monorepo.root) || isOfService(file, root, monorepo);
  const previews = services.length > 0 || files === undefined || files.some(declares);
  return { pipeline: { ...pipeline, services, testedOnly: named(changes.tests), previews }, changes };
}

/** Whether a file may change what the program declares, and is not one of the monorepo, which is judged by its services. */
function isOfProgram(file: string, root: string, monorepo: string): boolean {
  const inside = (directory: string): boolean => {
    const path = relative(directory, join(root, file));
    return path !== "" && !path.startsWith("..");
  };
  const nested = relative(process.cwd(), monorepo) !== "" && !relative(process.cwd(), monorepo).startsWith("..");
  return inside(process.cwd()) && !/\.(md|txt)$/i.test(file) && !(nested && inside(monorepo));
}

/**
 * Whether a file makes its directory a service, or says what that needs, which its image does not tell. The commit may have
 * deleted the service. The glob is matched by Node, as `findServices` looks for the services with Node's `globSync`.
 */
function isOfService(file: string, root: string, { root: monorepo, app, services }: Monorepo): boolean {
  const path = relative(monorepo, join(root, file));
  const { serviceFile: settings = serviceFile } = app;
  const isNamed = services.some(
    ({ dockerfile, directory, manifests = [] }) =>
      [dockerfile, join(directory, settings)].some((own) => relative(monorepo, own) === path) ||
      manifests.some((glob) => matchesGlob(path, normalize(glob))),
  );
  if (isNamed) return true;
  if (!["Dockerfile", settings].includes(basename(path))) return false;
  return matchesGlob(dirname(path), normalize(app.services).replace(/\/$/, ""));
}

/**
 * Says in the pull request why nothing was planned, in the place of its preview. Where that fails, only the job's log and
 * status say it.
 */
async function commentFailure(args: PlanArgs, problem: string, context: CommandContext): Promise<void> {
  const { project, environment, branch, schedule, to } = args;
  try {
    const file = project.stackFile(environment);
    const github = file.salvage("github");
    // What is wrong may be just that: then the commit may be that of a pull request.
    const deliveredBranch = await Promise.resolve()
      .then(() => branchDelivered(github?.branch, file.salvage("app")?.directory ?? "."))
      .catch(() => "");
    const trigger = await triggerOf({ branch, deliveredBranch, schedule, previews: undefined, github }, context);
    if (github === undefined || trigger.kind !== "review" || trigger.pullRequest === undefined) return;
    const text = `## Preview\n\n**The pull request cannot be previewed, tested or built.**\n\n${fenced(problem, "")}\n`;
    const preview = { report: text, first: environment, commit: to, pullRequest: String(trigger.pullRequest) };
    context.note(await commentReport(githubOf(github, context), preview, context.environment));
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.note(`the pull request is not told: ${errorMessage(error)}`);
  }
}
