import { relative, sep } from "node:path";
import type { Service } from "../../components/service.ts";
import type { Monorepo } from "../monorepo.ts";
import type { Concern } from "./concern.ts";
import { enclosingDirectories } from "./enclosing-directories.ts";
import { pathPattern } from "./glob.ts";
import { isEmbeddedBy } from "./go-concern.ts";
import { goGraph, type GoNeeds } from "./go-graph.ts";
import { imageContexts } from "./image-context.ts";
import { nodeGraph, type NodeNeeds } from "./node-packages.ts";
import { serviceConcern, type ServiceNeeds, type Surroundings } from "./service-concern.ts";
import { isIn, remembered, sourceTree, upwards, type SourceTree } from "./source-tree.ts";

/** What a service is made of. Paths are from the root of the monorepo. */
export interface ServiceSources {
  readonly service: Service;
  readonly directory: string;
  readonly go: GoNeeds | undefined;
  readonly node: NodeNeeds | undefined;
  /** @returns `undefined`: the file does not concern the service */
  readonly concern: (file: string) => Concern | undefined;
}

/**
 * Finds what each service is made of, in the working tree. A file concerns the image of a service if
 * - a glob of `paths` in its service.yaml means it,
 * - it is the Dockerfile, or an ignore file of the build,
 * - it is part of a Go or Node package that the service needs, directly or not, or says which modules those are,
 * - the Dockerfile copies it, or the directory that it is in, by name; one that has several packages of Node in it is no name,
 * - it is in the service's own directory, or
 * - the Dockerfile copies everything, there are no `paths` that say what of it counts, and the file is in no package of the
 * languages of the service, in no other service, not of this program, and not there for Git, CI or editors alone,
 * and the builder sees it: it is in the build context, and not ignored. What the builder does not see concerns the tests at
 * most; so do the tests of Go, what only they import, and service.yaml. Documentation (`*.md`, `docs/` at the root) concerns
 * nothing unless `paths`, the Dockerfile or the code that embeds it names it. A file counts at all places from which a symbolic
 * link leads to it, and a path that is a submodule or a link for all that the service needs in it.
 */
export function serviceGraph(monorepo: Monorepo): ServiceSources[] {
  const tree = sourceTree(monorepo.root);
  const go = goGraph(tree);
  const node = nodeGraph(tree);
  const contextOf = imageContexts(tree, monorepo.images.context);
  const sources = monorepo.services.map((service) => {
    const directory = pathFrom(monorepo.root, service.directory);
    const context = contextOf(directory);
    const paths = (service.paths ?? []).map(pathPattern);
    for (const pattern of paths) tree.follow(pattern.root);
    const needs = { go: go.needs(directory, context.goPackages), node: node.needs(directory, context.copies) };
    const enclosing = once(() => enclosingDirectories(directory, needs.go, needs.node));
    return { service, directory, context, ...needs, paths, enclosing };
  });
  const around = surroundings(tree, sources, pathFrom(monorepo.root, process.cwd()));
  const placesOf = remembered((file) => [file, ...tree.aliases(file)]);
  return sources.map((needs) => ({
    service: needs.service,
    directory: needs.directory,
    go: needs.go,
    node: needs.node,
    concern: (file) => concernOf(needs, around, file, placesOf(file)),
  }));
}

/** The greatest at any of its places. */
function concernOf(
  needs: ServiceNeeds,
  around: Surroundings,
  file: string,
  places: readonly string[],
): Concern | undefined {
  const { contains, reachesInto } = needs.context;
  const isSeen = (path: string): boolean =>
    contains(path) || (around.tree.kind(path) === "directory" && reachesInto(path));
  // Where a link leads to must be there, too.
  const sees = (path: string): boolean => isSeen(path) && (path === file || isSeen(file));
  const found = places.flatMap((path) => {
    const concern = serviceConcern(needs, around, path, sees);
    if (concern === undefined) return [];
    return [path === file ? concern : { ...concern, reason: file }];
  });
  return found.find(({ part }) => part === "image") ?? found[0];
}

/** @param program the directory of this program, which may lie in the monorepo, or around it */
function surroundings(tree: SourceTree, sources: readonly ServiceNeeds[], program: string): Surroundings {
  const directories = new Set(sources.map(({ directory }) => directory));
  const embedding = sources.flatMap(({ go }) => go ?? []).filter(({ embedding: found }) => found.size > 0);
  return {
    tree,
    isOfOthers: (directory, file) =>
      upwards(file).some((at) => (at === program || directories.has(at)) && !isIn(at, directory)),
    isEmbedded: remembered((file) => embedding.some((go) => isEmbeddedBy(go, file))),
  };
}

function pathFrom(root: string, path: string): string {
  return relative(root, path).replaceAll(sep, "/") || ".";
}

function once<T>(compute: () => T): () => T {
  const get = remembered(compute);
  return () => get("");
}
