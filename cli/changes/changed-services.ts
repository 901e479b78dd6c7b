import { openSourceRepository, type SourceRepository } from "../../git/source-repository.ts";
import type { Monorepo } from "../monorepo.ts";
import { serviceGraph, type ServiceSources } from "./service-graph.ts";

/** A service, and why it counts as changed. */
export interface ChangedService {
  readonly name: string;
  /** A file, or `shared code pkg/web`, or that its base is unknown. */
  readonly reason: string;
}

export interface ChangedServices {
  /** The id of the base, or what was given for it if this checkout does not know it; `null`: nothing was given. */
  readonly from: string | null;
  readonly to: string;
  /** Those whose image changed. */
  readonly services: readonly ChangedService[];
  /** Those of which only the tests changed. */
  readonly tests: readonly ChangedService[];
  /** The base of every service is unknown, so that each counts as changed. */
  readonly everything: boolean;
}

export interface ChangesArgs {
  readonly monorepo: Monorepo;
  /** The base of services that have no other. @default unknown */
  readonly from?: string | undefined;
  readonly to: string;
  /**
   * The commits that what runs of a service, and what a rollback took away, were built from.
   * @default none: `from` counts for all
   */
  readonly releasedFrom?: ((service: string) => ReleasedFrom) | undefined;
  /** Told that the working tree, in which the services and what they are made of are looked up, is not that of `to`. */
  readonly note?: ((line: string) => void) | undefined;
}

/** `unreleased`: nothing runs of it yet. */
export type ReleasedFrom = SourceCommits | "unreleased";

/** The newest one that `to` descends from counts. */
export interface SourceCommits {
  /** What runs was built from it. @default nobody said */
  readonly running?: string | undefined;
  /** What a rollback took away was built from it: a newer one. @default there was none, or nobody said */
  readonly rejected?: string | undefined;
}

/**
 * Finds the services that changed between two commits.
 * @throws SourceRepositoryError if the monorepo is in no checkout, or `to` is not known
 */
export async function changedServices(args: ChangesArgs): Promise<ChangedServices> {
  const { monorepo, from, to, note } = args;
  const repository = await openSourceRepository(monorepo.root);
  const bases = await basesOf(args, repository);
  const changes = await repository.changedSince([...new Set(bases.values())].filter(isCommit), to);
  const ids = await repository.resolve([to, "HEAD", from ?? ""]);
  const id = ids.get(to) ?? to;
  if (ids.get("HEAD") !== id)
    note?.(
      `HEAD is ${ids.get("HEAD")?.slice(0, 12)}, not ${id.slice(0, 12)}: the services and what they import are those of the working tree`,
    );
  const verdicts = serviceGraph(monorepo).map((sources) => {
    const base = bases.get(sources.service.name) ?? unreleased;
    const files = isCommit(base) ? changes.get(base) : undefined;
    return {
      name: sources.service.name,
      known: files !== undefined,
      ...(files === undefined ? { image: isCommit(base) ? unknownBase(base) : base.unknown } : judge(sources, files)),
    };
  });
  const changed = verdicts.flatMap(({ name, image }) => (image === undefined ? [] : [{ name, reason: image }]));
  const tested = verdicts.flatMap(({ name, image, tests }) =>
    image === undefined && tests !== undefined ? [{ name, reason: tests }] : [],
  );
  const everything = verdicts.every(({ known }) => !known);
  return {
    from: from === undefined ? null : (ids.get(from) ?? from),
    to: id,
    services: changed,
    tests: tested,
    everything,
  };
}

type Base = string | { readonly unknown: string };
const unreleased: Base = { unknown: "not released yet" };
const isCommit = (base: Base): base is string => typeof base === "string";
const unknownBase = (base: string): string => `base ${base === "" ? "" : `${base.slice(0, 12)} `}unknown`;

/** What each service is compared with. */
async function basesOf(
  { monorepo, from = "", to, releasedFrom }: ChangesArgs,
  repository: SourceRepository,
): Promise<ReadonlyMap<string, Base>> {
  const released = monorepo.services.map(({ name }) => [name, releasedFrom?.(name)] as const);
  const commits = new Set(released.flatMap(([, at]) => (typeof at === "object" ? commitsOf(at) : [])));
  const behind = commits.size === 0 ? commits : await repository.ancestorsOf(to, [...commits]);
  return new Map(
    released.map(([name, at = {}]) => {
      if (at === "unreleased") return [name, unreleased];
      return [name, commitsOf(at).find((commit) => behind.has(commit)) ?? from];
    }),
  );
}

/** The newest first: a rollback goes back. */
function commitsOf({ running, rejected }: SourceCommits): string[] {
  return [rejected, running].filter((commit) => commit !== undefined);
}

/** The first file that concerns its image, and the first that concerns its tests. */
function judge({ concern }: ServiceSources, files: readonly string[]): { image?: string; tests?: string } {
  const state: { image?: string; tests?: string } = {};
  for (const file of files) {
    const found = concern(file);
    if (found?.part === "tests") state.tests ??= found.reason;
    if (found?.part === "image") return { image: found.reason };
  }
  return state;
}
