import { verificationWait } from "../../components/service/verify-settings.ts";
import { contextName } from "../../core/names.ts";
import { imagesOrigin } from "../../stacks/images-schema.ts";
import { CommandError } from "../command.ts";
import type { Project, StackFile } from "../project/stack-file.ts";
import type { PipelineEnvironment, Promotion } from "./pipeline.ts";

/** What is merged goes to the first environment, and from there on. */
export interface EnvironmentChain {
  readonly first: PipelineEnvironment;
  /** Each comes after the one that it promotes from. */
  readonly promotions: readonly Promotion[];
  /** Whether a schedule goes on with what no job waits for any more. @default none does */
  readonly resumes?: true;
  /** Whether CircleCI lists releases among its deploys. @default it does not */
  readonly deployMarkers?: true;
}

/** Which environment each gets its digests from; `undefined`: what is merged. */
export type Origins = ReadonlyMap<string, string | undefined>;

/** @throws CommandError for a chain that does not begin here, that goes in a circle, or begins nowhere; or with several apps */
export function readChain(project: Project, first: string): EnvironmentChain {
  const [, ...following] = chainFrom(first, readOrigins(project));
  assertOneApp(project, first, following);
  assertOneEngine(project, first, following);
  const settings = [first, ...following].map((name) => project.stackFile(name).read("ci").ci);
  const scheduled = settings.some(({ resumeSchedule }) => resumeSchedule !== undefined);
  return {
    first: environmentOf(project.stackFile(first)),
    promotions: following.map((name) => promotionOf(project.stackFile(name))),
    ...(scheduled ? { resumes: true } : {}),
    ...(settings.some(({ deployMarkers }) => deployMarkers) ? { deployMarkers: true } : {}),
  };
}

/** Digests of one app are of no use to another: such a stack file may be that of the example, left over beside one's own. */
function assertOneApp(project: Project, first: string, following: readonly string[]): void {
  const appOf = (name: string): string => project.stackFile(name).read("app").app.name;
  const app = appOf(first);
  const other = following.find((name) => appOf(name) !== app);
  if (other === undefined) return;
  throw new CommandError(
    `stacks/Pulumi.${other}.yaml: app.name: ${JSON.stringify(appOf(other))}: it gets its digests from ${first}, which is of the app ${app}; remove the file if nobody needs it, or make the names the same`,
  );
}

/** One engine runs the jobs of all: a stack of another one would declare its contexts and secrets where no job looks for them. */
function assertOneEngine(project: Project, first: string, following: readonly string[]): void {
  const engineOf = (name: string): string => project.stackFile(name).read("ci").ci.engine;
  const engine = engineOf(first);
  const other = following.find((name) => engineOf(name) !== engine);
  if (other === undefined) return;
  throw new CommandError(
    `stacks/Pulumi.${other}.yaml: ci.engine: ${JSON.stringify(engineOf(other))}: it gets its digests from ${first}, whose pipeline ${engine} runs (stacks/Pulumi.${first}.yaml), and one engine runs all of it; make them the same`,
  );
}

/** Of all environments that have a stack file. */
export function readOrigins(project: Project): Origins {
  return new Map(
    project.environments.map((name) => [name, project.stackFile(name).find("promotion")?.promotion?.from]),
  );
}

/**
 * The environment and all that follow, each after the one that it promotes from.
 * @throws CommandError for a chain that does not begin here, that goes in a circle, or begins nowhere; and for a name that no
 *   job can have
 */
export function chainFrom(first: string, origins: Origins): readonly string[] {
  const known = [...origins.keys()].join(", ") || "no stack files";
  if (!origins.has(first))
    throw new CommandError(`there is no stacks/Pulumi.${first}.yaml in ${process.cwd()}; there are ${known}`);
  for (const [name, from] of origins) {
    if (from !== undefined && !origins.has(from))
      throw new CommandError(
        `stacks/Pulumi.${name}.yaml: promotion.from: ${JSON.stringify(from)}: there is no stacks/Pulumi.${from}.yaml; there are ${known}`,
      );
  }
  for (const name of origins.keys()) startOf(name, origins);
  const start = startOf(first, origins);
  if (start !== first)
    throw new CommandError(
      `stacks/Pulumi.${first}.yaml: promotion.from: ${first} gets its digests from ${origins.get(first)}; the configuration is made for the first environment and covers all that follow: \`delivery ci-config --env ${start}\``,
    );
  const chain = withFollowing(first, origins);
  const invalid = chain.find((name) => !/^[\w-]+$/.test(name));
  if (invalid !== undefined)
    throw new CommandError(
      `stacks/Pulumi.${invalid}.yaml: the name ${JSON.stringify(invalid)} would be part of the names of CircleCI's jobs, which have letters, digits, '-' and '_' only; rename the stack with \`pulumi stack rename\``,
    );
  return chain;
}

/** The first of the environments before this one. */
export function startOf(name: string, origins: Origins, passed: readonly string[] = []): string {
  const path = [...passed, name];
  if (passed.includes(name))
    throw new CommandError(
      `stacks/Pulumi.${name}.yaml: promotion.from goes in a circle: ${path.slice(path.indexOf(name)).join(" ← ")}; remove it from the one that gets what is merged`,
    );
  const from = origins.get(name);
  return from === undefined ? name : startOf(from, origins, path);
}

/** Sorted by name where one promotes to several. */
function withFollowing(name: string, origins: Origins): string[] {
  const next = [...origins].flatMap(([other, from]) => (from === name ? [other] : []));
  return [name, ...next.toSorted().flatMap((other) => withFollowing(other, origins))];
}

function environmentOf(file: StackFile): PipelineEnvironment {
  const { name } = file;
  const {
    app,
    environment = name,
    images,
    promotion,
    verify,
    windows,
    freeze,
    github,
  } = file.read("app", "environment", "promotion", "images", "verify", "windows", "freeze", "github");
  const { login, pull } = images;
  // Images that are copied are looked up at their origin; the login that may push the copies is in the environment's own context.
  const { registry } = promotion?.copyImages === true ? imagesOrigin(images) : images;
  return {
    name,
    context: contextName(app.name, environment),
    pulls: login === "own" || pull?.registry === registry,
    ...(verify === undefined ? {} : { verifyWait: verificationWait(verify) }),
    ...(windows === undefined && freeze === undefined ? {} : { hasWindows: true }),
    ...(github?.versionTags === true ? { hasVersions: true } : {}),
  };
}

function promotionOf(file: StackFile): Promotion {
  const { promotion } = file.read("app", "environment", "promotion");
  if (promotion === undefined) throw new Error(`unreachable: ${file.path} has the promotion that made it follow`);
  const { from, approval, choices, healthyMinutes } = promotion;
  return { ...environmentOf(file), from, approval, healthyMinutes, ...(choices.length === 0 ? {} : { choices }) };
}
