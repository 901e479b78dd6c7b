import { repositoryOf, type Monorepo } from "../project/monorepo.ts";
import { baseServices } from "./base-images.ts";
import { basesOf, isCommit, unknownBase, unreleased, type AffectedArgs } from "./base-commit.ts";
import { serviceGraph, type ServiceSources } from "./graph.ts";
import { uncommittedSources } from "./uncommitted-sources.ts";

/** A service, and why it counts as changed. */
interface AffectedService {
  readonly name: string;
  /** A file, or `shared code pkg/web`, or that its base is unknown. */
  readonly reason: string;
}

export interface AffectedServices {
  /** The id of the base, or what was given for it if this checkout does not know it; `null`: nothing was given. */
  readonly from: string | null;
  readonly to: string;
  /** Those whose image changed. */
  readonly services: readonly AffectedService[];
  /** Those of which only the tests changed. */
  readonly tests: readonly AffectedService[];
  /** The base of every service is unknown, so that each counts as changed. */
  readonly everything: boolean;
}

/**
 * Finds the services that changed between two commits.
 * @throws SourceRepositoryError if the monorepo is in no checkout, or `to` is not known
 */
export async function affectedServices(args: AffectedArgs): Promise<AffectedServices> {
  const { monorepo, from, to, note } = args;
  const repository = await repositoryOf(monorepo);
  const bases = await basesOf(args, repository);
  const changes = await repository.changedSince([...new Set(bases.values())].filter(isCommit), to);
  const ids = await repository.resolve([to, "HEAD", from ?? ""]);
  const id = ids.get(to) ?? to;
  if (ids.get("HEAD") !== id)
    note?.(
      `HEAD is ${ids.get("HEAD")?.slice(0, 12)}, not ${id.slice(0, 12)}: the services and what they import are those of the working tree`,
    );
  const unmade = await uncommittedSources(monorepo);
  for (const [name, [sentence = ""]] of unmade)
    note?.(
      `everything counts as a change of ${name}, since \`build.prepare\` says nothing of what its Dockerfile takes: ${sentence}`,
    );
  const results = serviceGraph(monorepo, new Set(unmade.keys())).map((sources) => {
    const base = bases.get(sources.service.name) ?? unreleased;
    const files = isCommit(base) ? changes.get(base) : undefined;
    return {
      name: sources.service.name,
      known: files !== undefined,
      ...(files === undefined
        ? { image: isCommit(base) ? unknownBase(base) : base.unknown }
        : firstMatches(sources, files)),
    };
  });
  const reasons = withDependents(
    dependentsOf(monorepo),
    new Map(results.flatMap(({ name, image }) => (image === undefined ? [] : [[name, image]]))),
  );
  const changed = results.flatMap(({ name }) => {
    const reason = reasons.get(name);
    return reason === undefined ? [] : [{ name, reason }];
  });
  const tested = results.flatMap(({ name, tests }) =>
    !reasons.has(name) && tests !== undefined ? [{ name, reason: tests }] : [],
  );
  const everything = results.every(({ known }) => !known);
  return {
    from: from === undefined ? null : (ids.get(from) ?? from),
    to: id,
    services: changed,
    tests: tested,
    everything,
  };
}

/**
 * Finds the services whose images a set of changed files affects, each with the reason. For many sets: what services are made
 * of is looked up once, in the working tree.
 * @throws SourceRepositoryError if the monorepo is in no checkout
 */
export async function imagesAffectedBy(
  monorepo: Monorepo,
): Promise<(files: readonly string[]) => ReadonlyMap<string, string>> {
  const graph = serviceGraph(monorepo, new Set((await uncommittedSources(monorepo)).keys()));
  const dependents = dependentsOf(monorepo);
  return (files) => {
    const reasons = graph.flatMap((sources) => {
      const { image } = firstMatches(sources, files);
      return image === undefined ? [] : [[sources.service.name, image] as const];
    });
    return withDependents(dependents, new Map(reasons));
  };
}

/** By a service, those whose images are made from its image. */
type Dependents = ReadonlyMap<string, readonly { readonly name: string }[]>;

function dependentsOf(monorepo: Monorepo): Dependents {
  return Map.groupBy(
    [...baseServices(monorepo)].flatMap(([name, from]) => from.map(({ service }) => ({ name, base: service }))),
    ({ base }) => base,
  );
}

/** Adds the services whose images are made from one that changes. @param reasons why services count as changed, by name */
function withDependents(dependents: Dependents, reasons: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const all = new Map(reasons);
  // Iterating over a Map also visits what is added meanwhile.
  for (const [changed] of all)
    for (const { name } of dependents.get(changed) ?? []) if (!all.has(name)) all.set(name, `image of ${changed}`);
  return all;
}

/** Why a service counts as changed: by the first file that affects its image, and the first that affects its tests. */
function firstMatches({ match }: ServiceSources, files: readonly string[]): { image?: string; tests?: string } {
  const state: { image?: string; tests?: string } = {};
  for (const file of files) {
    const found = match(file);
    if (found?.part === "tests") state.tests ??= found.reason;
    if (found?.part === "image") return { image: found.reason };
  }
  return state;
}
