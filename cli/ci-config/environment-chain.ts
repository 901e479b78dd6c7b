import { contextName } from "../../core/names.ts";
import { stackSchema } from "../../stacks/schema.ts";
import { CommandError } from "../command.ts";
import { environments } from "../project/monorepo.ts";
import { readStackSettings } from "../project/stack-file.ts";
import type { PipelineEnvironment, Promotion } from "./pipeline.ts";

/** What is merged goes to the first environment, and from there on. */
export interface EnvironmentChain {
  readonly first: PipelineEnvironment;
  /** Each comes after the one that it promotes from. */
  readonly promotions: readonly Promotion[];
}

const neededSchema = stackSchema.pick({ app: true, environment: true, promotion: true });

/** Which environment each gets its digests from; `undefined`: what is merged. */
export type Origins = ReadonlyMap<string, string | undefined>;

/** @throws CommandError for a chain that does not begin here, that goes in a circle, or begins nowhere */
export function readChain(first: string): EnvironmentChain {
  const [, ...following] = chainFrom(first, readOrigins());
  return { first: environmentOf(first), promotions: following.map(promotionOf) };
}

/** Of all environments that have a stack file. */
export function readOrigins(): Origins {
  return new Map(environments().map((name) => [name, originOf(name)]));
}

function originOf(name: string): string | undefined {
  return readStackSettings(name, stackSchema.pick({ promotion: true }))?.promotion?.from;
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
  const unspeakable = chain.find((name) => !/^[\w-]+$/.test(name));
  if (unspeakable !== undefined)
    throw new CommandError(
      `stacks/Pulumi.${unspeakable}.yaml: the name ${JSON.stringify(unspeakable)} would be part of the names of CircleCI's jobs, which have letters, digits, '-' and '_' only; rename the stack with \`pulumi stack rename\``,
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

function settingsOf(name: string) {
  const settings = readStackSettings(name, neededSchema);
  if (settings === undefined) throw new CommandError(`stacks/Pulumi.${name}.yaml has gone while it was read`);
  return settings;
}

function environmentOf(name: string): PipelineEnvironment {
  const { app, environment = name } = settingsOf(name);
  return { name, context: contextName(app.name, environment) };
}

function promotionOf(name: string): Promotion {
  const { promotion } = settingsOf(name);
  if (promotion === undefined) throw new CommandError(`stacks/Pulumi.${name}.yaml has changed while it was read`);
  const { from, approval, healthyMinutes } = promotion;
  return { ...environmentOf(name), from, approval, healthyMinutes };
}
