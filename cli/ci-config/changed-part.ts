import { basename, dirname, join, matchesGlob, normalize, relative } from "node:path";
import { branchPoint } from "../changes/branch-point.ts";
import { changedServices, type ChangedServices } from "../changes/changed-services.ts";
import { readReleasedFrom } from "../changes/released-from.ts";
import { findEnvironment } from "../environment.ts";
import type { Monorepo } from "../monorepo.ts";
import { openSourceRepository } from "../../git/source-repository.ts";
import type { Pipeline } from "./pipeline.ts";
import type { KnownPipeline } from "./read-pipeline.ts";

export interface ChangedPart {
  /** The pipeline with nothing but what has changed. */
  readonly pipeline: Pipeline;
  readonly changes: ChangedServices;
}

export interface Push {
  /** The commit before it, where CI knows that. @default unknown */
  readonly from: string | undefined;
  readonly to: string;
  /** Whether it is to the branch that is delivered. */
  readonly delivered: boolean;
  /** What is merged there is delivered. */
  readonly deliveredBranch: string;
}

/** On the delivered branch what was not released yet counts, so that nothing is lost with a run that failed. */
export async function changedPart(
  { pipeline, monorepo, root, settings }: KnownPipeline,
  { from, to, delivered, deliveredBranch }: Push,
  note: (line: string) => void,
): Promise<ChangedPart> {
  const repository = await openSourceRepository(root);
  const base = delivered ? from : await branchPoint(repository, to, deliveredBranch);
  const recorded = delivered && settings.delivery === "gitops";
  const changes = await changedServices({
    monorepo,
    from: base,
    to,
    releasedFrom: recorded ? await readReleasedFrom(findEnvironment(pipeline.first.name, {})) : undefined,
    note,
  });
  const named = (list: readonly { readonly name: string }[]) => {
    const names = new Set(list.map(({ name }) => name));
    return pipeline.services.filter(({ name }) => names.has(name));
  };
  const services = named(changes.services);
  const files = base === undefined ? undefined : (await repository.changedSince([base], to)).get(base);
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
 * Whether a file makes its directory a service, or says what that needs, which its image does not tell. The service may be
 * there no more.
 */
function isOfService(file: string, root: string, { root: monorepo, app }: Monorepo): boolean {
  const path = relative(monorepo, join(root, file));
  if (!["Dockerfile", "service.yaml"].includes(basename(path))) return false;
  return matchesGlob(dirname(path), normalize(app.services).replace(/\/$/, ""));
}
