import { readFileSync } from "node:fs";
import type { Service } from "../../components/service/service.ts";
import { declaredContexts } from "../../components/circleci/contexts.ts";
import { testRun } from "../../components/service/test-settings.ts";
import { buildContextName, previewsContextName, readContextName } from "../../core/names.ts";
import { openSourceRepository, SourceRepositoryError, type SourceRepository } from "../../git/source-repository.ts";
import type { StackSettings } from "../../stacks/schema.ts";
import { contextsArgs } from "../../stacks/stage-args.ts";
import { baseServices } from "../affected/base-images.ts";
import { pathFrom } from "../affected/source-tree.ts";
import { uncommittedSources } from "../affected/uncommitted-sources.ts";
import { CommandError } from "../command.ts";
import { readMonorepo, type Monorepo } from "../project/monorepo.ts";
import { acceptance } from "../project/acceptance.ts";
import { rejectProblems, type Project, type StackFile } from "../project/stack-file.ts";
import { readChain, readOrigins, startOf, type EnvironmentChain } from "./environment-chain.ts";
import type { Pipeline, PipelineService } from "./pipeline.ts";
import { programLayout, type ProgramLayout } from "./program-layout.ts";
import { withVariables } from "./test-image.ts";
import { assertMigrationsAwaited, assertVerificationsEnd, assertWindowsOpen } from "./unfinished-releases.ts";

/** What the stack files and the services say. */
interface Declarations {
  readonly chain: EnvironmentChain;
  readonly monorepo: Monorepo;
  readonly settings: Pick<StackSettings, "ci" | "delivery" | "gitops" | "github">;
  /** The variables of each context, by its name. */
  readonly contextVariables: Readonly<Record<string, readonly string[]>>;
}

/** The pipeline as if everything had changed, and where it belongs. */
export interface KnownPipeline extends Declarations {
  readonly pipeline: Pipeline;
  /** The root of the Git checkout that the monorepo is in. */
  readonly root: string;
}

/** @throws CommandError with what is wrong in the stack files or the services, or if they are not where jobs find them */
export async function readPipeline(project: Project, environment: string): Promise<KnownPipeline> {
  const declarations = readDeclarations(project, environment);
  const { monorepo, settings, chain } = declarations;
  for (const { name } of [chain.first, ...chain.promotions]) assertAccepted(project.stackFile(name));
  const checkout = await checkoutOf(monorepo.root);
  if (checkout === undefined)
    throw new CommandError(
      `${monorepo.file}: app.directory: ${JSON.stringify(monorepo.root)} is in no checkout of Git; CI checks it out of one`,
    );
  const layout = programLayout({
    program: process.cwd(),
    programRoot: (await checkoutOf("."))?.root,
    sourceRoot: checkout.root,
    declared: settings.ci.program,
    file: monorepo.file,
  });
  await assertSourcesCommitted(monorepo);
  const pipeline = pipelineOf(declarations, layout, checkout.prefix);
  return { ...declarations, pipeline, root: checkout.root };
}

/** @throws CommandError with what is wrong in the stack files or the services */
export function readDeclarations(project: Project, environment: string): Declarations {
  const chain = readChain(project, environment);
  assertPreviewsNotShared(readPreviewOwners(project));
  const monorepo = readMonorepo(project, environment);
  const settings = project.stackFile(environment).read("ci", "delivery", "gitops", "github");
  for (const { name } of [chain.first, ...chain.promotions]) assertMigrationsAwaited(project, name);
  assertVerificationsEnd(project, chain);
  assertWindowsOpen(project, chain);
  assertCopiesNeeded(project, chain);
  const environments = [chain.first, ...chain.promotions].map(({ name }) => name);
  return { chain, monorepo, settings, contextVariables: variablesOf(project, environments) };
}

/** What the program would refuse is refused before a pipeline is made of it. @throws CommandError with all that is wrong */
function assertAccepted({ path }: StackFile): void {
  rejectProblems(acceptance(path, readFileSync(path, "utf8")).problems);
}

/** The variables of the contexts that the stacks of these environments declare. */
function variablesOf(project: Project, environments: readonly string[]): Record<string, readonly string[]> {
  const contexts = environments.flatMap((name) => {
    const file = project.stackFile(name);
    const settings = file.read("app", "environment", "ci", "images", "owns", "gitops", "github");
    const { environment = name } = settings;
    const { shared, environment: own } = declaredContexts(
      contextsArgs(
        { ...settings, environment, hasGitToken: file.hasSecret("gitToken") },
        readMonorepo(project, name).services,
      ),
    );
    return [...shared, own].map((context) => [context.name, Object.keys(context.variables)] as const);
  });
  return Object.fromEntries(contexts);
}

/** Refuses copies of images to where they are. What else is missing for these, nobody needs. @throws CommandError with all of them */
function assertCopiesNeeded(project: Project, { promotions }: EnvironmentChain): void {
  const placeOf = (name: string): string => {
    const { registry, organization } = project.stackFile(name).read("images").images;
    return `${registry}/${organization}`;
  };
  rejectProblems(
    promotions.flatMap(({ name, from }) => {
      const file = project.stackFile(name);
      const { promotion, images } = file.read("promotion", "images");
      // Where images are signed elsewhere, the environment before may have them through a cache.
      if (promotion?.copyImages !== true || images.signing?.origin !== undefined) return [];
      if (placeOf(from) !== placeOf(name)) return [];
      const message = `has nothing to copy: the images of ${from} are in ${placeOf(from)}, too; remove it, or let \`images\` say where ${name} has its own`;
      return [{ location: `${file.path}: promotion.copyImages`, message }];
    }),
  );
}

/** @param prefix from the root of the checkout to the monorepo: empty, or a path that ends with `/` */
export function pipelineOf(
  { chain, monorepo, settings, contextVariables }: Declarations,
  layout: ProgramLayout,
  prefix: string,
): Pipeline {
  const { ci, delivery, gitops } = settings;
  const bases = baseServices(monorepo);
  const { name: app } = monorepo.app;
  return {
    ...chain,
    app,
    contexts: { build: buildContextName(app), read: readContextName(app), previews: previewsContextName(app) },
    regenerate: `delivery ci-config --env ${chain.first.name}`,
    image: ci.image,
    layout,
    appDirectory: prefix === "" ? "." : prefix.replace(/\/$/, ""),
    services: monorepo.services.map(({ name, directory, context, test, build }) => ({
      name,
      bases: (bases.get(name) ?? []).map(({ service }) => service),
      ...testsOf(test, ci.image),
      prepare: build?.prepare && {
        ...build.prepare,
        directory: pathFrom(monorepo.root, directory),
        context: pathFrom(monorepo.root, context),
      },
    })),
    testedOnly: [],
    ...(monorepo.services.some(({ platforms = monorepo.images.platforms }) => platforms.length > 1)
      ? { emulated: true }
      : {}),
    contextVariables,
    deliveredBranch: settings.github?.branch,
    pullLogin: monorepo.images.pull !== undefined,
    releases: delivery === "gitops" && gitops?.release !== "registry-watch",
    previews: true,
    previewEnvironments: gitops?.previews !== undefined,
  };
}

/** How CI tests a service. @param image what all jobs run in */
function testsOf(test: Service["test"], image: string): Omit<PipelineService, "name"> {
  const run = testRun(test);
  if (run === undefined) return { serviceContainers: [], untested: true };
  const { services = [], image: own = image, command, env = {} } = run;
  if (own === image) return { serviceContainers: services };
  return {
    serviceContainers: services,
    testImage: own,
    ...(command === undefined ? {} : { testScript: withVariables(env, command) }),
  };
}

/**
 * Refuses Dockerfiles that copy what Git does not have, such as `target/app.jar`: a job of CI checks out no such file, and
 * nothing says which commits change it.
 * @throws CommandError that names each of them
 */
export async function assertSourcesCommitted(monorepo: Monorepo): Promise<void> {
  const missing = await uncommittedSources(monorepo);
  const problems = monorepo.services.flatMap(({ name, directory, dockerfile }) =>
    (missing.get(name) ?? []).map(
      (sentence) =>
        `${dockerfile}: ${sentence}, so that CI cannot build ${name}; let \`build.prepare\` in ${directory}/service.yaml be the command that makes it, make it in a stage of the Dockerfile, or commit it`,
    ),
  );
  if (problems.length > 0) throw new CommandError(problems.join("\n       "));
}

async function checkoutOf(directory: string): Promise<SourceRepository | undefined> {
  try {
    return await openSourceRepository(directory);
  } catch (error) {
    if (error instanceof SourceRepositoryError && /is in no checkout/.test(error.message)) return undefined;
    throw error;
  }
}

/** A stack file that declares preview environments. */
export interface PreviewOwner {
  /** The name of the stack. */
  readonly name: string;
  readonly app: string;
  /** The deploy repository. */
  readonly repository: string;
  readonly branch: string;
  /** The first of the environments that it follows, or itself. */
  readonly first: string;
}

/**
 * The names of preview environments hold that of the app, and none of the environment that they are made after: with two
 * owners, one would overwrite what the other has made. The same app may have them twice where neither the deploy repository
 * nor the chain of environments is shared, such as in a sandbox.
 * @throws CommandError if two stack files declare the same ones
 */
export function assertPreviewsNotShared(owners: readonly PreviewOwner[]): void {
  const [pair] = owners.flatMap((one, index) =>
    owners.slice(index + 1).flatMap((other) => (clash(one, other) ? [[one, other] as const] : [])),
  );
  if (pair === undefined) return;
  const [one, other] = pair;
  const files = `stacks/Pulumi.${one.name}.yaml and stacks/Pulumi.${other.name}.yaml: gitops.previews`;
  if (one.app !== other.app)
    throw new CommandError(
      `${files}: ${one.app} and ${other.app} would write the same directories previews/pr-NUMBER to branch ${one.branch} of ${one.repository}; set another gitops.branch or gitops.repository in one of the two files, or remove gitops.previews from it`,
    );
  const remedy =
    one.first === other.first
      ? `declare it in stacks/Pulumi.${one.first}.yaml alone, the environment that CI makes them after`
      : "remove it from one of the two files";
  throw new CommandError(`${files}: both would make the same preview environments ${one.app}-pr-NUMBER; ${remedy}`);
}

function clash(one: PreviewOwner, other: PreviewOwner): boolean {
  const sameRepository = one.repository === other.repository;
  return one.app === other.app
    ? sameRepository || one.first === other.first
    : sameRepository && one.branch === other.branch;
}

/** @throws CommandError with what is wrong in the stack files */
export function readPreviewOwners(project: Project): readonly PreviewOwner[] {
  const origins = readOrigins(project);
  return [...origins.keys()].flatMap((name) => {
    const file = project.stackFile(name);
    const gitops = file.find("gitops")?.gitops;
    if (gitops?.previews === undefined) return [];
    // A file that declares no previews need not have a valid `app`.
    const { app } = file.read("app");
    return [
      { name, app: app.name, repository: gitops.repository, branch: gitops.branch, first: startOf(name, origins) },
    ];
  });
}
